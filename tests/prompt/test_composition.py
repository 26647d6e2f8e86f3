"""AND, AND NOT, their weights, and everything at once by `unfold`."""

import pytest

from negspace.errors import PromptError, RequestError
from negspace.prompt import compose, unfold

Told = list[tuple[str, float]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat AND a dog", [("a cat", 1.0), ("a dog", 1.0)]),
        ("a cat :1.2 AND a dog:0.5", [("a cat", 1.2), ("a dog", 0.5)]),
        ("a cat : 1.2 AND a dog : -0.5 ", [("a cat", 1.2), ("a dog", -0.5)]),
        ("a AND b:2. AND c:.5 AND d:+1", [("a", 1.0), ("b", 2.0), ("c", 0.5), ("d", 1.0)]),
        ("a AND b:1e3", [("a", 1.0), ("b:1e3", 1.0)]),
        ("a AND b:1.2.3", [("a", 1.0), ("b:1.2.3", 1.0)]),
        ("a AND b:.", [("a", 1.0), ("b:.", 1.0)]),
        (f"a AND b:{'9' * 400}", [("a", 1.0), (f"b:{'9' * 400}", 1.0)]),
        ("a AND b (c:1.2)", [("a", 1.0), ("b (c:1.2)", 1.0)]),
        ("a AND b 16:9", [("a", 1.0), ("b 16", 9.0)]),
        ("a\nAND\nb", [("a", 1.0), ("b", 1.0)]),
        ("AND", [("", 1.0), ("", 1.0)]),
        ("a AND AND b", [("a", 1.0), ("", 1.0), ("b", 1.0)]),
        ("a AND:2", [("a", 1.0), ("", 2.0)]),
        ("a AND NOT b", [("a", 1.0), ("b", -1.0)]),
        ("a AND NOT b:0.5 AND c", [("a", 1.0), ("b", -0.5), ("c", 1.0)]),
        ("a AND  NOT  b", [("a", 1.0), ("b", -1.0)]),
        ("AND NOT b", [("", 1.0), ("b", -1.0)]),
        ("a AND NOTHING", [("a", 1.0), ("NOTHING", 1.0)]),
        ("a AND NOT", [("a", 1.0), ("", -1.0)]),
        ("a AND (NOT b)", [("a", 1.0), ("(NOT b)", 1.0)]),
        ("a AND b)(c AND d", [("a", 1.0), ("b)(c", 1.0), ("d", 1.0)]),
        ("a (b AND c", [("a (b", 1.0), ("c", 1.0)]),  # a bracket without a partner holds nothing together
        (r"\(a AND b\)", [(r"\(a", 1.0), (r"b\)", 1.0)]),
    ],
)
def test_parts(text: str, expected: Told) -> None:
    parts = compose(text)
    assert [(part.text, part.factor) for part in parts] == expected
    for part in parts:
        assert text[slice(*part.span)] == part.text
        assert text[slice(*part.separator)].split() in ([], ["AND"], ["AND", "NOT"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " a ",
        "aspect ratio 16:9",
        "a:1.2",
        "SAND",
        "AND_",
        "and",
        "(a AND b:1.2)",
        "[a AND b:3]",
        "NOT a",
    ],
)
def test_a_text_without_and_is_left_alone(text: str) -> None:
    (part,) = compose(text)
    assert (part.text, part.weight, part.sign, part.span) == (text, 1.0, 1, (0, len(text)))


@pytest.mark.parametrize("dialect", ["comfy", "compel", "plain"])
def test_other_dialects_have_no_and(dialect: str) -> None:
    assert len(compose("a AND b", dialect)) == 1


def test_gap_and_in_a_negative() -> None:
    """AUTOMATIC1111 takes AND in a negative for a word; here a negative is composed like a prompt."""
    negative = "blurry:1.5 AND [watermark|text] AND NOT (hat:1.2)"
    scheduled_prompts = unfold(negative, 4)
    assert [scheduled.factor for scheduled in scheduled_prompts] == [1.5, 1.0, -1.0]
    assert [prompt.chunks for _, prompt in scheduled_prompts[1].prompts] == [
        (("watermark", 1.0),),
        (("text", 1.0),),
        (("watermark", 1.0),),
        (("text", 1.0),),
    ]
    assert scheduled_prompts[2].at(3).chunks == (("hat", 1.2),)


def test_spans_of_what_is_unfolded_are_those_of_the_text() -> None:
    text = "snow AND (a [red:blue:2] house:1.3) x) :0.5"
    scheduled = unfold(text, 4)[1]
    assert scheduled.factor == 0.5
    last = scheduled.prompts[-1][1]
    assert last.source == text
    assert [(chunk.text, text[slice(*chunk.span)]) for chunk in last.chunks] == [
        ("a blue house", "a [red:blue:2] house"),
        (" x)", " x)"),
    ]
    (finding,) = last.findings
    assert finding.span is not None and text[slice(*finding.span)] == ")"
    with pytest.raises(PromptError) as caught:
        unfold(text, 4, strict=True)
    assert caught.value.span == finding.span == (37, 38)


def test_unfolding_keeps_the_steps() -> None:
    (scheduled,) = unfold("[a:b:3] c", 10)
    assert [(last, prompt.clean) for last, prompt in scheduled.prompts] == [(3, "a c"), (10, "b c")]
    assert [scheduled.at(step).clean for step in (1, 3, 4, 10, 11)] == ["a c", "a c", "b c", "b c", "b c"]
    (second,) = unfold("[a:b:13] c", 10, after=10)
    assert [last for last, _ in second.prompts] == [3, 10]


def test_equal_texts_are_read_once() -> None:
    (scheduled,) = unfold("[a|b]", 50)
    assert len(scheduled.prompts) == 50
    assert len({id(prompt) for _, prompt in scheduled.prompts}) == 2


@pytest.mark.parametrize("dialect", ["comfy", "compel", "plain"])
def test_unfolding_other_dialects_is_reading_them(dialect: str) -> None:
    (scheduled,) = unfold("a (b) AND [c:3]", 9, dialect)
    ((last, prompt),) = scheduled.prompts
    assert (scheduled.factor, last, prompt.dialect) == (1.0, 9, dialect)


def test_mistakes_are_told() -> None:
    with pytest.raises(RequestError, match="no dialect"):
        compose("a", "comfyui")
    with pytest.raises(RequestError, match="at least one step"):
        unfold("a", 0)
