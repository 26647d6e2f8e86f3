"""Schedules: AUTOMATIC1111's published cases and what its grammar makes of others."""

import json
from pathlib import Path

import pytest

from negspace.errors import PromptError, RequestError
from negspace.prompt import DIALECTS, schedule, scheduled_texts, schedules_of, unfold

Texts = list[tuple[int, str]]


def alternating(*texts: str) -> Texts:
    return [(step + 1, texts[step % len(texts)]) for step in range(10)]


PRINTED = json.loads((Path(__file__).parent / "a1111.json").read_text(encoding="utf-8"))["schedules"]
"""600 prompts, steps, steps before them, and what AUTOMATIC1111 printed; `bench/a1111.py` made them."""

# The doctests of get_learned_conditioning_prompt_schedules, restated: ten steps, and a second pass
# for the last two. One is missing: the original fails its own `a [{b|d{:.5] c`, see below.
PUBLISHED: list[tuple[str, Texts]] = [
    ("test", [(10, "test")]),
    ("a [b:3]", [(3, "a "), (10, "a b")]),
    ("a [b: 3]", [(3, "a "), (10, "a b")]),
    ("a [[[b]]:2]", [(2, "a "), (10, "a [[b]]")]),
    ("[(a:2):3]", [(3, ""), (10, "(a:2)")]),
    ("a [b : c : 1] d", [(1, "a b  d"), (10, "a  c  d")]),
    ("a[b:[c:d:2]:1]e", [(1, "abe"), (2, "ace"), (10, "ade")]),
    ("a [unbalanced", [(10, "a [unbalanced")]),
    ("a [b:.5] c", [(5, "a  c"), (10, "a b c")]),
    ("((a][:b:c [d:3]", [(3, "((a][:b:c "), (10, "((a][:b:c d")]),
    ("[a|(b:1.1)]", alternating("a", "(b:1.1)")),
    ("[fe|]male", alternating("female", "male")),
    ("[fe|||]male", alternating("female", "male", "male", "male")),
]
PUBLISHED_SECOND_PASS: list[tuple[str, Texts]] = [
    ("a [b:.5] c", [(10, "a b c")]),
    ("a [b:1.5] c", [(5, "a  c"), (10, "a b c")]),
]


@pytest.mark.parametrize(("text", "expected"), PUBLISHED, ids=[text for text, _ in PUBLISHED])
def test_published_schedule_cases(text: str, expected: Texts) -> None:
    assert schedule(text, 10) == expected


@pytest.mark.parametrize(("text", "expected"), PUBLISHED_SECOND_PASS)
def test_published_second_pass_cases(text: str, expected: Texts) -> None:
    assert schedule(text, 10, after=10) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a:b:3]", [(3, "a"), (6, "b")]),
        ("[a::3]", [(3, "a"), (6, "")]),
        ("[:b:3]", [(3, ""), (6, "b")]),
        ("[:3]", [(3, ""), (6, "")]),
        ("[a:b: 3 ]", [(3, "a"), (6, "b")]),
        ("[a:b:\n3]", [(3, "a"), (6, "b")]),
        ("[a:b:0]", [(6, "b")]),
        ("[a:b:-3]", [(6, "b")]),
        ("[a:b:-0.1]", [(6, "b")]),
        ("[a:b:1.0]", [(6, "a")]),
        ("[a:b:1]", [(1, "a"), (6, "b")]),
        ("[a:b:99]", [(6, "a")]),
        ("[a:b:1e1]", [(6, "a")]),
        ("[a:b:1e999]", [(6, "a")]),
        ("[a:b:-1e999]", [(6, "b")]),
        ("[a:b:.7]", [(4, "a"), (6, "b")]),
        ("[a:0.5:0.7]", [(4, "a"), (6, "0.5")]),
        (
            "[(a:1.2)|b]c",
            [(1, "(a:1.2)c"), (2, "bc"), (3, "(a:1.2)c"), (4, "bc"), (5, "(a:1.2)c"), (6, "bc")],
        ),
        ("[x[a|b]:[c|d]:4]", [(1, "xa"), (2, "xb"), (3, "xa"), (4, "xb"), (5, "c"), (6, "d")]),
        ("([a:b:3]:1.2)", [(3, "(a:1.2)"), (6, "(b:1.2)")]),
        (r"[a\:b:3]", [(3, ""), (6, r"a\:b")]),
        (r"\[a:b:3]", [(6, r"\[a:b:3]")]),
        (r"[a\|b|c]", [(1, r"a\|b"), (2, "c"), (3, r"a\|b"), (4, "c"), (5, r"a\|b"), (6, "c")]),
        # Out of order, and so left as it is:
        ("[a:b]", [(6, "[a:b]")]),
        ("[a:b:x]", [(6, "[a:b:x]")]),
        ("[a:b:c:3]", [(6, "[a:b:c:3]")]),
        ("[a(b:3]", [(6, "[a(b:3]")]),
        ("[a):3]", [(6, "[a):3]")]),
        ("[x (a:b:c) y:3]", [(6, "[x (a:b:c) y:3]")]),
        ("[a|b:c]", [(6, "[a|b:c]")]),
        ("[a:nan]", [(6, "[a:nan]")]),
        ("[a:٣]", [(6, "[a:٣]")]),  # the grammar of schedules knows ASCII digits only
        ("[a:1_0]", [(6, "[a:1_0]")]),
        ("[a：b：3]", [(6, "[a：b：3]")]),
        # and does not disturb what stands beside it:
        ("[a:b] [c:3]", [(3, "[a:b] "), (6, "[a:b] c")]),
        ("(a:b:[c:2])", [(2, "(a:b:)"), (6, "(a:b:c)")]),
        ("[[a:3]", [(3, "["), (6, "[a")]),
        ("[a:3])", [(3, ")"), (6, "a)")]),
    ],
)
def test_corners(text: str, expected: Texts) -> None:
    assert schedule(text, 6) == expected


def test_every_made_up_prompt_is_scheduled_as_there() -> None:
    other = [text for text, steps, after, printed in PRINTED if as_lists(text, steps, after) != printed]
    assert len(PRINTED) == 600 and not other


def as_lists(text: str, steps: int, after: int) -> list[list[object]]:
    return [list(entry) for entry in schedule(text, steps, after=after)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a | b [c:3]", "there is a | outside"),
        ("(a|b) [c:3]", "there is a | outside"),
        ("[c:3] [x|y:2]", "there is a | outside"),
        ("[c:3]\\", "there is a backslash at the end"),
        ("[c:3] a\\\nb", "there is a backslash at the end"),
        ("[c:3]][", "brackets or colons without a partner"),
        ("[c:3]: :", ""),
        ("[c:3]::", "brackets or colons without a partner"),
        ("[[c:3]][", "brackets or colons without a partner"),
        ("[c:3][[", "brackets or colons without a partner"),
        ("[c:3][[[", ""),
        ("a [{b|d{:.5] c", ""),
    ],
)
def test_schedules_that_the_original_does_not_read_are_told(text: str, why: str) -> None:
    """Its grammar has no | outside of [a|b] and no backslash at the end of a line; and where brackets without
    a partner follow a schedule, its parser may take the last bracket of the schedule for one of them."""
    prompts = [prompt for _, prompt in unfold(text, 6)[0].prompts]
    findings = [finding for finding in prompts[0].findings if finding.code == "unread-schedule"]
    if why:
        assert schedule(text, 6) == [(6, text)]
        assert [why in finding.text for finding in findings] == [True]
        assert text[slice(*findings[0].span or ())] == "[c:3]"
        with pytest.raises(PromptError):
            unfold(text, 6, strict=True)
    else:
        assert not findings


def test_other_dialects_have_no_schedules() -> None:
    others = [name for name, dialect in DIALECTS.items() if not dialect.timed]
    assert {"comfy", "compel", "plain"} <= set(others)
    for dialect in others:
        assert schedule("[a:b:3] [c|d]", 10, dialect) == [(10, "[a:b:3] [c|d]")]


def test_moments_know_where_their_text_came_from() -> None:
    text = "a [red:blue:3] house [x|yy]"
    first, *_, last = scheduled_texts(text, 4)
    assert (first.text, last.text) == ("a red house x", "a blue house yy")
    for moment in (first, last):
        for at, sign in enumerate(moment.text):
            start, end = moment.source_span((at, at + 1))
            assert text[start:end] == sign
    assert text[slice(*last.source_span((2, 12)))] == "blue:3] house"
    assert last.source_span((3, 3)) == (8, 8)


def test_changes_are_listed_in_order() -> None:
    listed = schedules_of("[a|[b:c:3]] [d:.5]")
    assert [(change.span, change.when) for change in listed] == [
        ((0, 11), None),
        ((3, 10), "3"),
        ((12, 18), ".5"),
    ]


@pytest.mark.parametrize(("steps", "after"), [(0, 0), (-1, 0), (5, -1)])
def test_there_is_at_least_one_step(steps: int, after: int) -> None:
    with pytest.raises(RequestError, match="at least one step"):
        schedule("a", steps, after=after)


def test_nested_alternations_do_not_multiply() -> None:
    """2**40 combinations, but never more texts than steps."""
    text = "[a|b]" * 40
    assert len(schedule(text, 12)) == 12
    nested = "[" * 60 + "a" + "|b]" * 60
    assert [chosen for _, chosen in schedule(nested, 4)] == ["a", "b", "a", "b"]
