"""compel: what the oracle does not show: places, findings, the node types, and writing."""

import pytest

from negspace.errors import PromptError
from negspace.prompt import Blend, Chunk, Conjunction, Lora, Passage, Prompt, Swap, parse, write


def test_a_row_of_chunks_has_no_structure() -> None:
    prompt = parse("a (b c)1.3, d", "compel")
    assert prompt.chunks == (("a", 1.0), ("b c", 1.3), (", d", 1.0))
    assert prompt.structure is None and prompt.loras == ()
    assert prompt.clean == "a b c , d"


def test_a_blend_names_its_parts_and_weights() -> None:
    text = '("a (cat)1.2", "dog").blend(1, -0.5, no_normalize)'
    prompt = parse(text, "compel")
    assert prompt.structure == Blend(
        (Passage((Chunk("a", 1.0), Chunk("cat", 1.2))), Passage((Chunk("dog", 1.0),))), (1.0, -0.5), False
    )
    assert isinstance(prompt.structure, Blend) and prompt.structure.span == (0, len(text))
    assert prompt.chunks == (("a", 1.0), ("cat", 1.2), ("dog", 1.0))


def test_a_conjunction_names_its_parts_and_weights() -> None:
    prompt = parse('("a b", c).and(2)', "compel")
    assert prompt.structure is None  # one weight for two parts
    prompt = parse('("a b", c).and(2, 1)', "compel")
    assert prompt.structure == Conjunction(
        (Passage((Chunk("a b", 1.0),)), Passage((Chunk("c", 1.0),))), (2.0, 1.0)
    )


def test_a_swap_names_both_sides_and_its_options() -> None:
    text = "a (red cat.swap(dog, t_start=0.5, shape_freedom=0.125))1.2"
    prompt = parse(text, "compel")
    swap = Swap((Chunk("cat", 1.2),), (Chunk("dog", 1.2),), s_end=0.5, t_start=0.5)
    assert prompt.structure == Passage((Chunk("a", 1.0), Chunk("red", 1.2), swap))
    assert prompt.chunks == (("a", 1.0), ("red", 1.2), ("cat", 1.2))  # a swap stands as its original
    assert isinstance(prompt.structure, Passage)
    found = prompt.structure.pieces[2]
    assert isinstance(found, Swap) and text[slice(*found.span)].startswith("cat.swap(")
    assert [text[slice(*side[0].span)] for side in (found.original, found.edited)] == ["cat", "dog"]


def test_a_swap_inside_a_swap_stands_as_its_own_side() -> None:
    """compel reads it and fails when it encodes."""
    prompt = parse("(a.swap(b) c).swap(d.swap(e))", "compel")
    assert prompt.structure == Passage((Swap((Chunk("a c", 1.0),), (Chunk("e", 1.0),)),))
    assert [finding.code for finding in prompt.findings] == ["function", "function"]


def test_loras_are_told_apart_from_the_text() -> None:
    text = "a withLora(hat_v2, 0.5) b useLora(x-1)"
    prompt = parse(text, "compel")
    assert prompt.chunks == (("a b", 1.0),)
    assert prompt.loras == (Lora("hat_v2", 0.5), Lora("x-1", 1.0))
    assert [text[slice(*lora.span)] for lora in prompt.loras] == ["withLora(hat_v2, 0.5)", "useLora(x-1)"]


def test_spans_count_the_source_not_the_spaces_put_into_it() -> None:
    text = "a,b,(c,d)1.2,(é)+"
    prompt = parse(text, "compel")
    assert [(chunk.text, text[slice(*chunk.span)]) for chunk in prompt.chunks] == [
        ("a, b,", "a,b,"),
        ("c , d", "c,d"),
        (",", ","),
        ("é", "é"),
    ]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("a (b", "unbalanced", "(b"),
        ('a "b', "unbalanced", '"b'),
        ("a b) c", "unbalanced", "b)"),
        ("(x)1.2.3", "number", "(x)1.2"),
        ('("a", "b").blend(1, x)', "function", '("a", "b").blend(1, x)'),
        ('("a", "b").blend(1, inf)', "function", '("a", "b").blend(1, inf)'),
        ('("a", "b").and(no_normalize)', "function", '("a", "b").and(no_normalize)'),
        ('("a", "b").blend(1, 1) c', "function", '("a", "b").blend(1, 1)'),
        ('("a", "b").and() c', "ignored", "c"),
        ("a.swap(b, x=1)", "option", "x=1"),
        ("a.swap(b, s_start=late)", "option", "s_start=late"),
        ("a.swap(b, shape_freedom=2)", "option", "shape_freedom=2"),
    ],
)
def test_what_is_strange_is_noted_and_strict_refuses_it(text: str, code: str, said: str) -> None:
    finding = parse(text, "compel").findings[0]
    assert finding.code == code and finding.span is not None
    assert text[slice(*finding.span)] == said
    with pytest.raises(PromptError) as caught:
        parse(text, "compel", strict=True)
    assert caught.value.span == finding.span


def test_gap_number_with_two_points() -> None:
    """`(x:1.2.3)` is no weight in compel: a colon is a letter and a point a word."""
    assert parse("(x:1.2.3)", "compel").chunks == (("x:1 . 2 . 3", 1.0),)


@pytest.mark.parametrize("text", ["a\x0bb", "a\x0c(b)"])
def test_vertical_white_space_is_white_space(text: str) -> None:
    """compel raises an error."""
    assert parse(text, "compel").clean == "a b"


def test_letters_behind_a_backslash_in_quotation_marks_stay() -> None:
    """compel makes a line break of \\n and loses the n."""
    assert parse(r'"a\new"', "compel").chunks == ((r"a\new", 1.0),)


def test_a_doubled_backslash_keeps_one() -> None:
    assert parse(r"\\(a\\)", "compel").chunks == ((r"\(a\)", 1.0),)


def test_a_thousand_signs_stay_a_number() -> None:
    prompt = parse("a" + "+" * 10_000 + " (b" + "-" * 10_000 + ")", "compel")
    assert prompt.chunks[0].weight == 1.7976931348623157e308
    assert prompt.chunks[1].weight == 0.0
    assert [finding.code for finding in prompt.findings] == ["weight-range"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("fire flames++", "fire (flames)1.2100000000000002"),
        (r"mountain \(man\)", r"mountain \(man\)"),
        ("a cat.swap(dog, s_start=0.1)", "a (cat).swap((dog), s_start=0.1)"),
        ('("a, b", c).blend(1, -1, no_normalize)', '("a , b", "c").blend(1.0, -1.0, no_normalize)'),
        ('("a").and()', '("a").and(1.0)'),
        ("a withLora(n, 0.5) b", "a b withLora(n, 0.5)"),
        ('"" a', '"" a'),
        ("a (b = c", r"a \(b = c"),
        ('cat(")2-', 'cat(")2-'),  # has no other spelling
        ("", ""),
    ],
)
def test_writing(text: str, written: str) -> None:
    prompt = parse(text, "compel")
    assert write(prompt) == written
    again = parse(written, "compel")
    assert (again.chunks, again.structure, again.loras) == (prompt.chunks, prompt.structure, prompt.loras)


@pytest.mark.parametrize(
    ("chunk", "trouble"),
    [
        (Chunk("c++", 1.0, (3, 6)), "cannot say 'c[+][+]' with the weight 1"),
        (Chunk("a = b", 1.2, (3, 8)), "cannot say 'a = b' with the weight 1.2"),
        (Chunk("a", -1.0, (3, 4)), "has no negative weights"),
        (Chunk("BREAK", -1.0, (3, 8), "break"), "has no BREAK"),
    ],
)
def test_what_cannot_be_written_is_refused(chunk: Chunk, trouble: str) -> None:
    with pytest.raises(PromptError, match=trouble) as caught:
        write(Prompt((Chunk("x", 1.1), chunk), "a1111", ""), "compel")
    assert caught.value.span == chunk.span
