"""comfy: what ComfyUI's token_weights gives, nested brackets and brackets without a partner included."""

import pytest

from negspace.errors import PromptError
from negspace.prompt import Chunk, Prompt, parse, write

Pairs = list[tuple[str, float]]


def pairs(text: str) -> Pairs:
    return [(chunk.text, chunk.weight) for chunk in parse(text, "comfy").chunks]


def approx(expected: Pairs) -> list[tuple[str, object]]:
    return [(text, pytest.approx(weight, rel=1e-12)) for text, weight in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foo bar baz", [("foo bar baz", 1)]),
        ("foo (bar) baz", [("foo ", 1), ("bar", 1.1), (" baz", 1)]),
        ("foo ((bar)) baz", [("foo ", 1), ("bar", 1.21), (" baz", 1)]),
        ("foo (((bar))) baz", [("foo ", 1), ("bar", 1.331), (" baz", 1)]),
        ("foo ((((bar)))) baz", [("foo ", 1), ("bar", 1.4641), (" baz", 1)]),
        (
            "foo ((((lol (cat:666) attack)))) baz",
            [("foo ", 1), ("lol ", 1.4641), ("cat", 666), (" attack", 1.4641), (" baz", 1)],
        ),
        ("((a:1.3))", [("a", 1.3)]),
        ("((a):1.3)", [("a", 1.3 * 1.1)]),
        ("(((a:1.3)):0.5)", [("a", 1.3)]),
    ],
)
def test_nested_brackets(text: str, expected: Pairs) -> None:
    """The cases reported for nesting: an inner number replaces what is around it, it does not multiply."""
    assert pairs(text) == approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", 1)]),
        ("()", [("", 1)]),
        ("(a)(b)", [("a", 1.1), ("b", 1.1)]),  # chunks of one weight stay apart
        ("[a]", [("[a]", 1)]),
        ("a BREAK b AND c [d:e:3]", [("a BREAK b AND c [d:e:3]", 1)]),
        (r"\(a\) (\(b\):1.2)", [("(a) ", 1), ("(b)", 1.2)]),
        (r"\\(a)", [(r"\(a)", 1)]),  # there is no escape for the backslash
        ("a\\", [("a\\", 1)]),
        (r"\[a\:b\]", [(r"\[a\:b\]", 1)]),
        ("(a: 1.2 )", [("a", 1.2)]),
        ("(a:-1)", [("a", -1)]),
        ("(a:1e3)", [("a", 1000)]),
        ("(a:1_000)", [("a", 1000)]),
        ("(a:١.٥)", [("a", 1.5)]),
        ("(a：1.2)", [("a：1.2", 1.1)]),
        ("(a:b)", [("a:b", 1.1)]),
        ("(a:b:1.2)", [("a:b", 1.2)]),
        ("(:1.2)", [(":1.2", 1.1)]),  # a number with nothing to weigh
        ("(a (b):1.2)", [("a ", 1.2), ("b", 1.2 * 1.1)]),
        ("(a:1.2 (b))", [("a:1.2 ", 1.1), ("b", 1.21)]),
        ("(a\nb:1.2)", [("a\nb", 1.2)]),
        ("a (b", [("a ", 1), ("(b", 1)]),
        ("a) (b) (c)", [("a) (b) (c)", 1)]),
        (")((b) c)", [(")(", 1), ("b", 1.1), (" c)", 1)]),
        ("(a (b) c", [("(a (b) c", 1)]),
        ("((a)", [("(a", 1.1)]),
        ("x (a (b:2)", [("x ", 1), ("a ", 2), ("(b", 2)]),
        ("((((a)))", [("(a", 1.331)]),
    ],
)
def test_corners(text: str, expected: Pairs) -> None:
    assert pairs(text) == approx(expected)


@pytest.mark.parametrize(
    ("text", "code", "span"),
    [
        ("a (b", "unbalanced", (2, 3)),
        ("a) b", "unbalanced", (1, 2)),
        ("(x:1.2.3)", "number", (2, 8)),
        (f"(x:{'9' * 400})", "number", (2, 403)),
    ],
)
def test_what_is_strange_is_noted_and_strict_refuses_it(text: str, code: str, span: tuple[int, int]) -> None:
    assert [(finding.code, finding.span) for finding in parse(text, "comfy").findings] == [(code, span)]
    with pytest.raises(PromptError) as caught:
        parse(text, "comfy", strict=True)
    assert caught.value.span == span


def test_gap_number_with_two_points() -> None:
    """ComfyUI keeps the text and weighs it 1.1."""
    assert pairs("(x:1.2.3)") == [("x:1.2.3", 1.1)]


@pytest.mark.parametrize("word", ["nan", "inf", "-inf", "infinity", "1e999"])
def test_only_finite_numbers_are_weights(word: str) -> None:
    """ComfyUI takes them, and every number of the encoding becomes nan."""
    assert pairs(f"(a:{word})") == [(f"a:{word}", 1.1)]


def test_weights_too_large_to_multiply_stay_numbers() -> None:
    prompt = parse("((a):1.7e308)", "comfy")
    assert prompt.chunks == (("a", 1.7976931348623157e308),)
    assert [finding.code for finding in prompt.findings] == ["weight-range"]


def test_spans_hold_the_text_in_the_source() -> None:
    text = r"a (big \(red\):1.3) ((house))"
    prompt = parse(text, "comfy")
    assert [text[slice(*chunk.span)] for chunk in prompt.chunks] == ["a ", r"big \(red\)", " ", "house"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a ((b)) c", "a (b:1.2100000000000002) c"),
        ("a()b", "a()b"),
        ("a (b", "a ()\\(b"),
        (r"(\\(a)", r"(\\(a:1.1)"),
    ],
)
def test_writing(text: str, written: str) -> None:
    prompt = parse(text, "comfy")
    assert parse(write(prompt), "comfy").chunks == prompt.chunks
    assert write(prompt) == written


def test_a_backslash_at_the_end_of_a_chunk_does_not_escape_what_follows() -> None:
    prompt = Prompt((Chunk("a\\", 1.0), Chunk("b", 1.2), Chunk("c\\", 1.0)), "comfy", "")
    assert write(prompt) == "(a\\:1.0)(b:1.2)c\\"
    assert parse(write(prompt), "comfy").chunks == prompt.chunks
