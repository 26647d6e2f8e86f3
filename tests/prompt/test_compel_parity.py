"""compel: the syntax, with the library itself as the oracle."""

import importlib.util
import random
import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.prompt import Blend, Chunk, Conjunction, Passage, Prompt, Swap, parse


def load_parser() -> ModuleType:
    """compel's parser alone: the package itself loads torch, diffusers and transformers."""
    package = importlib.util.find_spec("compel")
    assert package is not None and package.submodule_search_locations is not None
    path = f"{package.submodule_search_locations[0]}/prompt_parser.py"
    spec = importlib.util.spec_from_file_location("compel_prompt_parser", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


COMPEL: Any = load_parser()
PARSER = COMPEL.PromptParser()
OPTIONS = ("s_start", "s_end", "t_start", "t_end")


def theirs(text: str) -> object:
    """What compel reads, as plain values."""
    read = PARSER.parse_conjunction(text)
    parts = [their_part(part) for part in read.prompts]
    loras = [(lora.model, lora.weight) for lora in read.lora_weights]
    return (parts, read.weights, loras) if parts else ([[("", 1.0)]], [1.0], loras)


def their_part(part: Any) -> object:
    if isinstance(part, COMPEL.Blend):
        return "blend", [their_part(each) for each in part.prompts], part.weights, part.normalize_weights
    return [their_fragment(fragment) for fragment in part.children]


def their_fragment(fragment: Any) -> object:
    if isinstance(fragment, COMPEL.Fragment):
        return fragment.text, fragment.weight
    sides = [[(word.text, word.weight) for word in side] for side in (fragment.original, fragment.edited)]
    return "swap", *sides, {name: fragment.options[name] for name in OPTIONS}


def ours(text: str) -> object:
    """The same values from our reading."""
    prompt = parse(text, "compel")
    loras = [(lora.name, lora.weight) for lora in prompt.loras]
    match prompt.structure:
        case None:
            return [list(map(tuple, prompt.chunks))], [1.0], loras
        case Passage() as passage:
            return [our_passage(passage)], [1.0], loras
        case Blend(parts=parts, weights=weights, normalize=normalize):
            blend = "blend", [our_passage(part) for part in parts], list(weights), normalize
            return [blend], [1.0], loras
        case Conjunction(parts=parts, weights=weights):
            return [our_passage(part) for part in parts], list(weights), loras


def our_passage(passage: Passage) -> list[object]:
    return [our_swap(piece) if isinstance(piece, Swap) else tuple(piece) for piece in passage.pieces]


def our_swap(swap: Swap) -> object:
    sides = (list(map(tuple, side)) for side in (swap.original, swap.edited))
    return "swap", *sides, {name: getattr(swap, name) for name in OPTIONS}


# What compel's own tests read, repetitions left out.
THEIR_TESTS = [
    "",
    "fire flames",
    "fire (flames)",
    "fire, flames",
    "fire, flames , fire",
    "cat hot-dog eating",
    "Dalí",
    "(flames)0.5",
    "(flames).attend(0.5)",
    "flames.attend(0.5)",
    '"flames".attend(0.5)',
    "(fire flames)0.5",
    "(fire flames).attend(0.5)",
    "(flames)+",
    "flames+",
    '"flames"+',
    "flames.attend(+)",
    "(flames).attend(+)",
    '"flames".attend(+)',
    "(flames)-",
    "flames-",
    '"flames"-',
    "fire (flames)0.5",
    "fire flames.attend(0.5)",
    "fire (flames).attend(0.5)",
    'fire "flames".attend(0.5)',
    "(flames)++",
    "(flames)--",
    "(flowers)--- flames+++",
    "(pretty flowers)+",
    "(pretty flowers)+, the flames are too hot",
    "fire flames++",
    "fire flames--",
    "flowers fire++ flames",
    "flowers fire-- flames",
    '("fire", "flames").and(1,1)',
    '("fire", "flames").and()',
    '("fire flames", "mountain man").and()',
    '("(fire)2.0", "flames-").and()',
    '("fire", "flames", "mountain man").and()',
    '("fire", "flames").and(2,1)',
    '("fire", "flames").and(1,2)',
    '("mountain man", "a person with a hat (riding a bicycle)++").and(0.5, 0.5)',
    '("mountain man", "a person with a hat (riding a bicycle.swap(skateboard))++").and(0.5, 0.5)',
    "a test prompt",
    "a badly formed +test prompt",
    "a badly (formed test prompt",
    "a badly (formed +test prompt",
    "a badly (formed +test )prompt",
    "(((a badly (formed +test )prompt",
    "(a (ba)dly (f)ormed +test prompt",
    "(a (ba)dly (f)ormed +test +prompt",
    '("((a badly (formed +test ").blend(1.0)',
    "hamburger ((bun))",
    "hamburger (bun)",
    "hamburger (kaiser roll)",
    "hamburger ((kaiser roll))",
    '("mountain", "man").blend()',
    "(mountain, man).blend()",
    "((mountain), (man)).blend()",
    "((mountain), (tall man)).blend()",
    '("fire", "fire flames").blend(0.7, 0.3)',
    '("fire", "fire flames", "hi").blend(0.7, 0.3, 1.0)',
    '("fire", "fire flames (hot)++", "hi").blend(0.7, 0.3, 1.0)',
    '("fire").blend(0.7)',
    '("fire", "").blend(0.7, 1)',
    '("fire", " ").blend(0.7, 1)',
    '("fire", "     ").blend(0.7, 1)',
    '("fire", "  ,  ").blend(0.7, 1)',
    '("mountain, man, hairy", "face, teeth, eyes--").blend(1,-1)',
    '("mountain, man, hairy", "face, teeth, eyes--").blend(1,-1,no_normalize)',
    "fire (flames (trees)1.5)2.0",
    '("fire (flames)++", "mountain (man)2").blend(1,1)',
    "sun.swap(moon)",
    'a "cat".swap(dog) eating a hotdog',
    "a cat.swap(dog) eating a hotdog",
    'fire "flames".swap(trees)',
    "fire (flames).swap(trees)",
    'fire ("flames").swap(trees)',
    'fire "flames".swap("trees")',
    'fire (flames).swap("trees")',
    'fire ("flames").swap("trees")',
    'fire ("flames").swap("trees and houses")',
    'fire (flames).swap("trees and houses")',
    'fire "flames".swap("trees and houses")',
    'fire ("trees and houses").swap("flames")',
    'fire (trees and houses).swap("flames")',
    'fire "trees and houses".swap("flames")',
    'fire ("trees and houses").swap(flames)',
    "fire (trees and houses).swap(flames)",
    'fire "trees and houses".swap(flames)',
    '"flames".swap("trees"), fire',
    '(flames).swap("trees"), fire',
    '("flames").swap("trees"), fire',
    '"flames".swap(trees), fire',
    "(flames).swap(trees), fire ",
    '("flames").swap(trees), fire ',
    'a forest landscape "".swap("in winter")',
    "a forest landscape ().swap(in winter)",
    'a forest landscape " ".swap("in winter")',
    'a forest landscape "in winter".swap("")',
    'a forest landscape "in winter".swap()',
    'a forest landscape "in winter".swap(" ")',
    '"(flames)0.5".swap("(trees)0.7"), (fire)2.0',
    '"(fire (flames)0.5)0.5".swap("(trees)0.7"), (fire)2.0',
    '"(fire (flames)0.5)0.5".swap("(trees)0.7 houses"), (fire)2.0',
    "a cat.swap(dog) eating a hotdog.swap(hotdog++++)",
    "a cat.swap(dog) eating a hotdog.swap(hotdog++++, shape_freedom=0.5)",
    'a cat.swap(dog) eating a hotdog.swap("hotdog++++", shape_freedom=0.5)',
    r"a cat.swap(dog) eating a hotdog.swap(h\(o\)tdog++++, shape_freedom=0.5)",
    r'a cat.swap(dog) eating a hotdog.swap("h\(o\)tdog++++", shape_freedom=0.5)',
    r"a cat.swap(dog) eating a hotdog.swap(h\(o\)tdog-, shape_freedom=0.5)",
    'a "cat".swap(dog, s_start=0.1) eating a hotdog',
    'a "cat".swap(dog, t_start=0.1) eating a hotdog',
    'a "cat".swap(dog, t_start=0.1, s_start=20) eating a hotdog',
    'a fantasy forest landscape "".swap(with a river, s_start=0.8, t_start=0.8)',
    r"mountain \(man\)",
    r"mountain (\(man)\)",
    r"mountain (\(man\))",
    r"mountain (\(man\))+",
    r'"mountain" (\(man\))+',
    r"\"mountain\" (\(man\))+",
    r"(\"mountain\")+ (\(man\))+",
    r"(\"mountain\")+ (\(man\))-",
    r"mountain (\(man\))1.1",
    r'"mountain" (\(man\))1.1',
    r"\"mountain\" (\(man\))1.1",
    r"(\"mountain\")+ (\(man\))1.1",
    r"(\"mountain\")1.1 (\(man\))0.9",
    r"hairy (mountain (\(man\))+)+",
    r'hairy ((\(man\))1.1 "mountain")+',
    r'hairy ("mountain" (\(man\))1.1 )+',
    'hairy ("mountain, man")+',
    'hairy ("mountain, man" with a beard+)+',
    'hairy ("mountain, man" with a (beard)2.0)+',
    r'hairy ("mountain, \"man\"" with a (beard)2.0)+',
    r'hairy ("mountain, m\"an\"" with a (beard)2.0)+',
    r'hairy ("mountain, \"man" \(with a (beard)2.0)+',
    r'hairy ("mountain, \"man" w\(ith a (beard)2.0)+',
    r'hairy ("mountain, \"man" with\( a (beard)2.0)+',
    r'hairy ("mountain, \"man" \)with a (beard)2.0)+',
    r'hairy ("mountain, \"man" w\)ith a (beard)2.0)+',
    r'hairy ("mountain, \"man" with\) a (beard)2.0)+',
    r'hairy ("mou\)ntain, \"man" \(wit\(h a (beard)2.0)+',
    r'hai\(ry ("mountain, \"man" w\)ith a (beard)2.0)+',
    r'hairy\(\( ("mountain, \"man" with a (beard)2.0)+',
    r'("mountain, \"man" \(with a (beard)2.0)+ hairy',
    r'("mountain, \"man" w\(ith a (beard)2.0)+hairy',
    r'("mou\)ntain, \"man" \(wit\(h a (beard)2.0)+ hairy',
    r'("mountain, \"man" w\)ith a (beard)2.0)+ hai\(ry ',
    r'("mountain, \"man" with a (beard)2.0)+ hairy\(\( ',
    "mountain (man).swap(monkey)",
    r"mountain (man).swap(m\(onkey)",
    r"mountain (m\(an).swap(m\(onkey)",
    r"mountain (\(\(\().swap(m\(on\)\)key)",
    'mountain ("man").swap(monkey)',
    'mountain ("man").swap("monkey")',
    r'mountain (\"man).swap("monkey")',
    "mountain man withLora(hairy, 0.5)",
    "withLora(hairy, 0.5) mountain man",
    "mountain withLora(hairy, 0.5) man",
    "mountain withLora(hairy, 0.5) man withLora(ugly, 0.2)",
]
# What they refuse.
THEIR_ERRORS = [
    '("fire", "flames").and(2)',
    '("fire", "flames").and(2,1,2)',
    '((mountain), "cat.swap(dog)").blend()',
    '("fire", "fire flames").blend(0.7, 0.3, 0.1)',
    '("fire", "fire flames").blend(0.7)',
]
MORE = [
    r"a\+ b",
    r"a\, b\.c \=",
    r"(a\+ b\,c)1.3",
    "c++ x",
    "(c++)1.2",
    "a .swap (b)",
    "a (b) .attend( + )",
    "x.attend(-0.5)",
    "(x)-0.5",
    "(x)1.",
    "(x).5",
    "(x)+1.5",
    "(x)1.2.3",
    "(x)1e3",
    "(x)--1.2",
    "x+y",
    "x++y",
    "- x",
    "-x",
    "(a - b)1.1",
    "(a=b)1.2",
    "a=b",
    "(a..b)1.2",
    '"(a"+ b',
    '"a\nb"',
    '"a\\" b',
    "()",
    "((), a).and()",
    '("a","b").and() and what follows',
    "(a, b, c).and(1,.5,2.)",
    '("a","b").add(1,2)',
    '("a","b").blend(no_normalize)',
    "(a.swap(b. c))",
    "a,,b",
    "a,b,c",
    "(a)b(c)+d",
    "a+.swap(b)",
    "x.attend(0.5)y",
    "useLora(n) a useLora(m, 1) (b useLora(o, 0.25))+",
    'withLora(n) ("a","b").blend(1,2) withLora(m, 2)',
    "(é ü)1.2 Ⅻ",
    "(a)١.٥",
    "a\u00a0b+",
]


@pytest.mark.parametrize("text", [*THEIR_TESTS, *MORE])
def test_every_text_reads_as_in_compel(text: str) -> None:
    assert ours(text) == theirs(text)


@pytest.mark.parametrize("text", THEIR_ERRORS)
def test_what_compel_refuses_is_text_with_a_finding(text: str) -> None:
    with pytest.raises(COMPEL.PromptParser.ParsingException):
        theirs(text)
    prompt = parse(text, "compel")
    assert not isinstance(prompt.structure, Blend | Conjunction)
    assert "function" in [finding.code for finding in prompt.findings]


WORDS = [
    "a",
    "hot-dog",
    "b c",
    "x,",
    "é",
    r"\(q\)",
    "1.5",
    "+t",
    "w+",
    "w--",
    "w.attend(.5)",
    "withLora(n, 0.5)",
]
SIGNS = ["a", "cat", "(", ")", '"', ",", ".", "+", "-", "1.3", ".swap(", ".attend(", ".blend(", ".and(", " "]
SIGNS += [r"\(", r"\)", r"\"", "++", "--", "=", "2", '")', '("', '", "', "withLora(x, 0.5)", "\n"]
WEIGHTS = ["", "+", "--", "1.3", ".5", "2", ".attend(0.5)", ".attend(++)"]


def written(chance: random.Random, depth: int) -> str:
    """A row of well-formed compel text."""
    row: list[str] = []
    for _ in range(chance.randint(1, 3)):
        kind = chance.random() if depth else 0.0
        if kind < 0.45:
            row.append(chance.choice(WORDS))
        elif kind < 0.75:
            row.append(f"({written(chance, depth - 1)}){chance.choice(WEIGHTS)}")
        elif kind < 0.9:
            options = chance.choice(["", ", s_start=0.1", ", shape_freedom=0.3, t_end=0.5"])
            row.append(f"cat.swap({chance.choice(['dog', 'big dog+', ''])}{options})")
        else:
            row.append(f'"{chance.choice(["a, b", "(a)1.2 b", ""])}"{chance.choice(WEIGHTS)}')
    return " ".join(row)


@given(st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_well_formed_text_reads_as_in_compel(seed: int) -> None:
    text = written(random.Random(seed), 2)
    assert ours(text) == theirs(text)


@given(st.integers(0, 2**32), st.sampled_from([".and", ".blend"]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_well_formed_functions_read_as_in_compel(seed: int, name: str, weighted: bool) -> None:
    chance = random.Random(seed)
    parts = [
        chance.choice(['"a, b"', "(a b)", "word", '"(a)1.2 b"', '"x (y"'])
        for _ in range(chance.randint(1, 3))
    ]
    weights = [chance.choice(["1", "0.5", "-1", ".3"]) for _ in parts] if weighted else []
    text = f"({', '.join(parts)}){name}({', '.join(weights)})"
    assert ours(text) == theirs(text)


@given(st.lists(st.sampled_from(SIGNS), max_size=8).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_text_reads_as_in_compel(text: str) -> None:
    try:
        expected = theirs(text)
    except (COMPEL.PromptParser.ParsingException, COMPEL.pp.ParseException, ValueError, AttributeError):
        parse(text, "compel")  # it must not raise here all the same
    else:
        assert ours(text) == expected


def test_chunks_of_a_row_are_what_compel_encodes() -> None:
    prompt = parse("fire (flames)0.5", "compel")
    assert prompt == Prompt((Chunk("fire", 1.0), Chunk("flames", 0.5)), "compel", "fire (flames)0.5")
