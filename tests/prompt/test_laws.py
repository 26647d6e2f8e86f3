"""Laws that hold for every text in every dialect."""

import time
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.errors import PromptError
from negspace.prompt import (
    DIALECTS,
    Blend,
    Chunk,
    Conjunction,
    Passage,
    Prompt,
    Swap,
    compose,
    convert,
    parse,
    schedule,
    scheduled_texts,
    schedules_of,
    split_inline,
    unfold,
    write,
)
from negspace.prompt.comparison import words_of

LONGEST = 10_000
SYNTAX = ["(", ")", "[", "]", ":", "|", "\\", '"', ",", ".", "+", "-", "=", " ", "\n", "\t", "\u3000", "："]
SYNTAX += [
    ":1.2)",
    ":1.2.3)",
    ":-1)",
    ":.5]",
    ":3]",
    "(a",
    "((",
    "))",
    "1.3",
    "BREAK",
    "AND",
    "AND NOT",
    "###",
]
SYNTAX += [
    ".swap(",
    ".blend(",
    ".and(",
    ".attend(",
    '("',
    '", "',
    '")',
    "withLora(n, 0.5)",
    "\\(",
    "\\)",
    '\\"',
]
SYNTAX += ["--no", "c", "é", "７", "\x00", "\x0b", "\ud800", "𝔞"]

pieces = st.lists(st.sampled_from(SYNTAX) | st.text(max_size=4), max_size=12).map("".join)
texts = st.builds(
    lambda start, unit, times: (start + unit * times)[:LONGEST], pieces, pieces, st.integers(0, 900)
)
short = pieces
dialects = st.sampled_from(sorted(DIALECTS))


@given(texts, dialects)
@settings(max_examples=30, deadline=None)
def test_nothing_a_lenient_reading_meets_is_an_error(text: str, dialect: str) -> None:
    prompt = parse(text, dialect)
    assert prompt.chunks and prompt.source == text and prompt.dialect == dialect
    assert len(prompt.findings) <= 101
    schedule(text, 3, dialect)
    compose(text, dialect)
    split_inline(text)


@given(short, dialects, st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_strict_reading_is_an_error_exactly_where_there_is_a_warning(
    text: str, dialect: str, whole: bool
) -> None:
    prompt = parse(text, dialect)
    warnings = [finding for finding in prompt.findings if finding.level == "warning"]
    try:
        assert parse(text, dialect, strict=True) == prompt
        assert not warnings
    except PromptError as error:
        assert error.span == warnings[0].span
        assert 0 <= error.span[0] <= error.span[1] <= len(text)


@given(short, dialects)
@settings(max_examples=100, deadline=None)
def test_spans_hold_what_the_chunks_say(text: str, dialect: str) -> None:
    prompt = parse(text, dialect)
    done = 0
    for chunk in prompt.chunks:
        start, end = chunk.span
        assert 0 <= start <= end <= len(text)
        assert is_part_of(chunk.text.replace(" ", ""), text[start:end])
        if chunk.text:
            assert start >= done
            done = end


def is_part_of(part: Iterable[str], whole: str) -> bool:
    """Whether the characters of `part` stand in `whole`, in order."""
    rest = iter(whole)
    return all(sign in rest for sign in part)


@given(short)
@settings(max_examples=100, deadline=None)
def test_no_letter_is_lost(text: str) -> None:
    """Numbers and brackets are syntax in a1111, letters never are."""
    for dialect in ("a1111", "plain"):
        said = "".join(chunk.text for chunk in parse(text, dialect).chunks)
        assert [sign for sign in said if sign.isalpha()] == [sign for sign in text if sign.isalpha()]


@given(short, dialects)
@settings(max_examples=100, deadline=None)
def test_what_is_written_reads_the_same(text: str, dialect: str) -> None:
    prompt = parse(text, dialect)
    again = parse(write(prompt), dialect)
    assert (again.chunks, again.structure, again.loras) == (prompt.chunks, prompt.structure, prompt.loras)
    assert [chunk.kind for chunk in again.chunks] == [chunk.kind for chunk in prompt.chunks]


@given(short, dialects, dialects)
@settings(max_examples=100, deadline=None)
def test_conversion_keeps_every_word_and_weight_or_says_where_it_cannot(
    text: str, source: str, target: str
) -> None:
    try:
        written = convert(text, source, target)
    except PromptError as error:
        assert 0 <= error.span[0] <= error.span[1] <= len(text)
    else:
        assert told(parse(written, target)) == told(parse(text, source))
        if source != target:
            assert len(compose(written, target)) == 1
            assert not DIALECTS[target].timed or not schedules_of(written)


def told(prompt: Prompt) -> list[tuple[str, float]]:
    return [(word, weight) for word, weight, _ in words_of(prompt)]


plain_words = st.lists(st.sampled_from(["red", "house", "snow", "a"]), min_size=1, max_size=3).map(" ".join)
weights = st.floats(0, 1e300, allow_subnormal=False)


def has_weights(dialect: str) -> bool:
    try:
        return bool(write(Prompt((Chunk("a", 1.5),), "a1111", "(a:1.5)"), dialect))
    except PromptError:
        return False


weighted_dialects = [name for name in DIALECTS if has_weights(name)]


def test_plain_text_has_no_weights() -> None:
    assert {"a1111", "comfy", "compel"} <= set(weighted_dialects) and "plain" not in weighted_dialects


@given(
    st.lists(st.tuples(plain_words, weights), min_size=1, max_size=5),
    st.permutations(weighted_dialects),
)
@settings(max_examples=60, deadline=None)
def test_every_weight_survives_a_round_through_the_dialects(
    said: list[tuple[str, float]], order: list[str]
) -> None:
    text = " ".join(f"({words}:{weight:.17f})" for words, weight in said)
    expected = [(word, float(f"{weight:.17f}")) for words, weight in said for word in words.split()]
    for source, target in pairwise(("a1111", *order)):
        assert told(parse(text, source)) == expected
        text = convert(text, source, target)
    assert told(parse(text, order[-1])) == expected


@given(short, st.integers(1, 6), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_a_schedule_ends_at_the_last_step_and_knows_its_places(text: str, steps: int, after: int) -> None:
    said = scheduled_texts(text, steps, after=after)
    lasts = [moment.last_step for moment in said]
    assert lasts == sorted(set(lasts)) and lasts[0] >= 1 and lasts[-1] == steps
    for moment in said:
        for at, sign in enumerate(moment.text):
            start, end = moment.source_span((at, at + 1))
            assert text[start:end] == sign


@given(short, st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_what_is_unfolded_stands_in_the_text(text: str, steps: int) -> None:
    for scheduled in unfold(text, steps):
        assert scheduled.prompts[-1][0] == steps
        for _, prompt in scheduled.prompts:
            for chunk in prompt.chunks:
                assert is_part_of(chunk.text, text[slice(*chunk.span)])


@pytest.mark.parametrize("opening", ["(", "["])
@pytest.mark.parametrize("closed", [True, False])
def test_a_hundred_thousand_brackets_are_no_stack_overflow(opening: str, closed: bool) -> None:
    depth = 100_000
    text = opening * depth + "x" + ({"(": ")", "[": "]"}[opening] * depth if closed else "")
    for dialect in DIALECTS:
        (chunk,) = parse(text, dialect).chunks
        assert "x" in chunk.text and abs(chunk.weight) < float("inf")
    assert schedule(text, 2) == [(2, text)]
    assert compose(text)[0].text == text


@pytest.mark.parametrize("nest", [("[a:", ":3]"), ("[a|", "]"), ("(a:", ":1.1)"), ('"(', ')"')], ids="".join)
def test_deep_nests_of_other_kinds_are_no_stack_overflow(nest: tuple[str, str]) -> None:
    text = nest[0] * 5_000 + "x" + nest[1] * 5_000
    for dialect in DIALECTS:
        assert "x" in parse(text, dialect).clean
    assert schedule(text, 4)[-1][0] == 4


def test_deep_functions_of_compel_are_no_stack_overflow() -> None:
    prompt = parse("(a.swap(" * 5_000 + "b" + "))" * 5_000, "compel")
    assert isinstance(prompt.structure, Passage)
    assert isinstance(prompt.structure.pieces[0], Swap)
    nested = parse('("a", ' * 5_000 + "b" + ").and()" * 5_000, "compel")
    assert not isinstance(nested.structure, Blend | Conjunction)


# Texts that are slow to read where a reader goes back and tries again, or looks at a range once more for each
# bracket in it. The first two would cost compel's own parser 4 to the power of thousands.
HARD = [
    '("a",',
    "(a.swap(",
    '"(',
    '(a "b ',
    "a.swap(b ",
    "(a",
    "[a:",
    "[a|",
    ": 1 ",
    " ",
    "BREAK ",
    " AND ",
    ",",
    "+",
]


@pytest.mark.parametrize("unit", HARD)
def test_hard_texts_are_read_in_seconds(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    start = time.process_time()
    for dialect in DIALECTS:
        parse(text, dialect)
    schedule(text, 2)
    compose(text)
    split_inline(text)
    assert time.process_time() - start < 5  # 0.05 to 0.3 is usual
