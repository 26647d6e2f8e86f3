"""Conversion: the same words with the same numbers, or an error that says where."""

import pytest

from negspace.errors import PromptError, RequestError
from negspace.prompt import DIALECTS, convert, parse
from negspace.prompt.comparison import words_of


def words(text: str, dialect: str) -> list[tuple[str, float]]:
    return [(word, weight) for word, weight, _ in words_of(parse(text, dialect))]


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("((a:1.3))", "a1111", "comfy", "(a:1.4300000000000002)"),
        ("((a:1.3))", "comfy", "a1111", "(a:1.3)"),
        ("a (b) [c]", "a1111", "comfy", "a (b:1.1) (c:0.9090909090909091)"),
        ("a (b) [c]", "a1111", "compel", "a (b)1.1 (c)0.9090909090909091"),
        ("[a] (b)", "comfy", "a1111", r"\[a\] (b:1.1)"),
        ("a++ b-", "compel", "a1111", "(a:1.2100000000000002) (b:0.9)"),
        ("(a:-1.5)", "a1111", "comfy", "(a:-1.5)"),
        ("(a:1e-7)", "comfy", "a1111", "(a:0.0000001)"),
        ("ereshkigal (fate)", "plain", "a1111", r"ereshkigal \(fate\)"),
        ("ereshkigal (fate)", "plain", "comfy", r"ereshkigal \(fate\)"),
        ("ereshkigal (fate)", "plain", "compel", r"ereshkigal \(fate\)"),
        (r"ereshkigal \(fate\)", "a1111", "plain", "ereshkigal (fate)"),
        ("a BREAK b AND c", "plain", "a1111", "a B()REAK b A()ND c"),
        ("(a)(b)", "comfy", "a1111", "(a:1.1) (b:1.1)"),
        ("a, b", "a1111", "compel", "a, b"),
        ("", "a1111", "compel", ""),
        ("a withLora(n, 0.5) b", "compel", "a1111", "a b<lora:n:0.5>"),
        ("a <lora:n:0.5>b", "a1111", "compel", "a b withLora(n, 0.5)"),
    ],
)
def test_the_same_numbers(text: str, source: str, target: str, expected: str) -> None:
    written = convert(text, source, target)
    assert words(written, target) == words(text, source)
    assert written == expected


@pytest.mark.parametrize(
    ("text", "source", "target", "said", "trouble"),
    [
        ("a (b:1.2)", "a1111", "plain", "b", "no weights"),
        ("a BREAK b", "a1111", "comfy", "BREAK", "no BREAK"),
        ("a BREAK b", "a1111", "compel", "BREAK", "no BREAK"),
        ("a BREAK b", "a1111", "plain", "BREAK", "no BREAK"),
        ("a AND b", "a1111", "comfy", "AND", "no AND"),
        ("a AND  NOT b", "a1111", "compel", "AND  NOT", "no AND"),
        ("a [b:c:3]", "a1111", "comfy", "[b:c:3]", "no schedules"),
        ("a [b|c]", "a1111", "plain", "[b|c]", "no schedules"),
        ("a (b:-1)", "a1111", "compel", "b", "no negative weights"),
        ("a (b+:1.2)", "a1111", "compel", "b+", "cannot say"),
        ('("a", "b").blend()', "compel", "a1111", '("a", "b").blend()', "no .blend"),
        ('("a", "b").and()', "compel", "comfy", '("a", "b").and()', "no .and"),
        ("a b.swap(c)", "compel", "plain", "b.swap(c)", "no .swap"),
        ("a withLora(n)", "compel", "comfy", "withLora(n)", "no withLora"),
        ("a <lora:n:0.5>", "a1111", "plain", "<lora:n:0.5>", "no withLora"),
        ("a <lora:n:0.5:1>", "a1111", "compel", "<lora:n:0.5:1>", "another strength"),
    ],
)
def test_what_the_target_cannot_say_is_refused(
    text: str, source: str, target: str, said: str, trouble: str
) -> None:
    with pytest.raises(PromptError, match=trouble.replace(".", "[.]")) as caught:
        convert(text, source, target)
    assert text[slice(*caught.value.span)] == said


@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_the_same_dialect_leaves_the_text_alone(dialect: str) -> None:
    text = '[a:b:3] (c AND "d" BREAK'
    assert convert(text, dialect, dialect) == text


def test_an_unknown_dialect_is_told() -> None:
    for names in (("a1111", "comfyui"), ("webui", "comfy"), ("webui", "webui")):
        with pytest.raises(RequestError, match="no dialect is called"):
            convert("a", *names)


def test_words_are_those_of_a_tokenizer() -> None:
    assert words("It's a 16:9 red-hat...", "plain") == [
        (word, 1.0) for word in ["It", "'", "s", "a", "1", "6", ":", "9", "red", "-", "hat", "..."]
    ]
