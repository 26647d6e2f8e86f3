"""Schedules: texts that change from step to step, in the syntax of AUTOMATIC1111.

    [from:to:when]   `from` up to and including step `when`, then `to`
    [to:when]        nothing, then `to`
    [from::when]     `from`, then nothing
    [a|b|c]          the options in turn, one per step; an option may be empty

`when` with a point is a share of the steps (0.5), without one a step number (5). Schedules can be nested and
can contain weights. As in AUTOMATIC1111, a bracket is part of a schedule only if everything in it is well
formed: brackets in pairs, at most one colon directly in a round bracket, and one or two colons and a number
at the end of a square one. Anything else is left unchanged.

In two cases AUTOMATIC1111 leaves well-formed schedules unread, and so does this. A text with a `|` outside of
[a|b], or with a backslash at the end of a line, has none. And its grammar is ambiguous: brackets and colons
outside of every pair can be single signs, and so can those of a pair. See `_read`.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from negspace.errors import RequestError
from negspace.findings import Finding
from negspace.prompt.parsing import dialect_named
from negspace.prompt.places import Origin, span_in_source
from negspace.prompt.tree import Span

_MARK = re.compile(r"\\[^\n]?|[()\[\]:|]")
_OPENS = {")": "(", "]": "["}
_NUMERIC = frozenset("0123456789.+-eE")


@dataclass(frozen=True)
class ScheduledText:
    """The text for a range of steps.

    Attributes:
        last_step: the last step it is for, counted from 1.
        text: what is encoded for these steps.
        origin: the source of each of its parts.
    """

    last_step: int
    text: str
    origin: Origin

    def source_span(self, span: Span) -> Span:
        """The span in the source of a span of `text`."""
        return span_in_source(self.origin, span)


class Schedule(NamedTuple):
    """One schedule or alternation in a source.

    Attributes:
        span: of all of it, brackets included.
        options: spans of its texts: (from, to), or all options of an alternation.
        when: the number as written; None in an alternation.
    """

    span: Span
    options: tuple[Span, ...]
    when: str | None

    def last_step_of_first(self, steps: int, after: int) -> int:
        """The last step of `from`, 0 or less if it has none."""
        if self.when is None:
            return 0
        last = float(self.when)
        if "." in self.when:
            last = (last - (1.0 if after else 0.0)) * steps
        else:
            last -= after
        return int(max(-1.0, min(float(steps), last)))


def schedule(text: str, steps: int, dialect: str = "a1111", *, after: int = 0) -> list[tuple[int, str]]:
    """The texts of a schedule as (last step, text), in order; the last one ends at `steps`.

    An alternation has an entry for every step, even where the text does not change, as in AUTOMATIC1111.

    Args:
        text: a prompt or a negative.
        steps: how many steps the sampler takes, at least 1.
        dialect: its dialect; where it is not `timed`, the text is the same at all steps.
        after: how many steps a first pass has taken before these, 0 where this is the first. In a second pass
            step numbers continue to count up and shares run from 1 to 2: `[a:b:1.5]` changes in its middle.

    Raises:
        RequestError: `steps` is less than 1, `after` less than 0, or no dialect has that name.
    """
    return [(moment.last_step, moment.text) for moment in scheduled_texts(text, steps, dialect, after=after)]


def scheduled_texts(
    text: str, steps: int, dialect: str = "a1111", *, after: int = 0
) -> tuple[ScheduledText, ...]:
    """As `schedule`, each text with the source of its parts."""
    if steps < 1 or after < 0:
        raise RequestError(f"a schedule needs at least one step, not {steps} after {after}")
    if not dialect_named(dialect).timed:
        return (ScheduledText(steps, text, ((0, 0),)),)
    return tuple(_Timeline(text, steps, after).texts())


def schedules_of(text: str) -> tuple[Schedule, ...]:
    """Every schedule and alternation of a text, in the order of their opening brackets."""
    return _read(text)[0]


def unread_schedules(text: str) -> tuple[Finding, ...]:
    """A finding for each well-formed schedule that AUTOMATIC1111 does not read, and so is text."""
    if "[" not in text:
        return ()
    _, unread, why = _read(text)
    return tuple(
        Finding(
            "unread-schedule", f"{text[slice(*schedule.span)][:40]!r} is read as text: {why}", schedule.span
        )
        for schedule in unread
    )


class _Timeline:
    """The texts of a source over the steps."""

    def __init__(self, source: str, steps: int, after: int) -> None:
        self._source = source
        self._steps = steps
        self._schedules = schedules_of(source)
        self._starts = [schedule.span[0] for schedule in self._schedules]
        self._last = [schedule.last_step_of_first(steps, after) for schedule in self._schedules]

    def texts(self) -> Iterator[ScheduledText]:
        ends = {self._steps, *(last for last in self._last if last >= 1)}
        if any(schedule.when is None for schedule in self._schedules):
            ends.update(range(1, self._steps + 1))
        for step in sorted(ends):
            yield self._at(step)

    def _at(self, step: int) -> ScheduledText:
        """The text at a step: all outside of the schedules, and one option of each schedule."""
        parts: list[str] = []
        origin: list[tuple[int, int]] = []
        length = 0
        todo = [(0, len(self._source))]
        while todo:
            start, end = todo.pop()
            nearest = bisect_left(self._starts, start)
            inside = nearest < len(self._starts) and self._starts[nearest] < end
            stop = self._starts[nearest] if inside else end
            if start < stop:
                parts.append(self._source[start:stop])
                origin.append((length, start))
                length += stop - start
            if inside:
                todo.append((self._schedules[nearest].span[1], end))
                todo.append(self._option(nearest, step))
        return ScheduledText(step, "".join(parts), tuple(origin))

    def _option(self, index: int, step: int) -> Span:
        options = self._schedules[index].options
        if self._schedules[index].when is None:
            return options[(step - 1) % len(options)]
        return options[0 if step <= self._last[index] else 1]


class _OpenBracket(NamedTuple):
    number: int  # of its mark
    sign: str
    colons: list[int]
    bars: list[int]


class _Pair(NamedTuple):
    """The number of the opening mark of a well-formed pair of brackets, and its schedule if it is one."""

    opening: int
    schedule: Schedule | None


@lru_cache(maxsize=64)
def _read(source: str) -> tuple[tuple[Schedule, ...], tuple[Schedule, ...], str]:
    """The schedules that are read, those that are not, both in order, and why these are not."""
    signs = [(mark.start(), mark.group()) for mark in _MARK.finditer(source)]
    marks = [at for at, sign in signs if sign[0] != "\\"]
    pairs = _pairs(source, marks)
    schedules = tuple(sorted(pair.schedule for pair in pairs.values() if pair.schedule is not None))
    if not schedules:
        return (), (), ""
    if any(sign == "\\" for _, sign in signs):
        return (), schedules, "there is a backslash at the end of a line; write \\\\ for a backslash"
    bars = sum(len(schedule.options) - 1 for schedule in schedules if schedule.when is None)
    if bars < sum(source[at] == "|" for at in marks):
        return (), schedules, "there is a | outside of [a|b]; write \\| for the sign"
    split = _split(marks, pairs)
    return (
        tuple(schedule for schedule in schedules if schedule.span[1] - 1 not in split),
        tuple(schedule for schedule in schedules if schedule.span[1] - 1 in split),
        "brackets or colons without a partner follow it; put a space before them",
    )


def _split(marks: list[int], pairs: dict[int, _Pair]) -> set[int]:
    """The places of closing brackets that are single signs although they have a partner.

    Outside of all pairs AUTOMATIC1111's grammar allows any bracket or colon by itself, so it can read a pair
    either way. Its parser decides from the end: what ends in a pair is a pair; else the run of adjoining
    marks that ends there is single signs, all of it where the run is of odd length, all but the first mark
    where it is even. An alternation is always one, as a | cannot stand by itself.
    """
    split: set[int] = set()
    end = len(marks)
    while end:
        if pair := pairs.get(end - 1):
            end = pair.opening
            continue
        start = end - 1
        while start and marks[start - 1] + 1 == marks[start] and not _is_alternation(pairs.get(start - 1)):
            start -= 1
        if (end - start) % 2 == 0:
            start += 1
        split.update(marks[start:end])
        end = start
    return split


def _is_alternation(pair: _Pair | None) -> bool:
    return pair is not None and pair.schedule is not None and pair.schedule.when is None


def _pairs(source: str, marks: list[int]) -> dict[int, _Pair]:
    """Every well-formed pair by the number of its closing mark.

    What is malformed spoils all open brackets.
    """
    pairs: dict[int, _Pair] = {}
    opened: list[_OpenBracket] = []
    for number, at in enumerate(marks):
        sign = source[at]
        if sign in "([":
            opened.append(_OpenBracket(number, sign, [], []))
        elif sign == ":" and opened:
            opened[-1].colons.append(at)
        elif sign == "|" and opened:
            opened[-1].bars.append(at)
        elif sign in ")]":
            if not opened or opened[-1].sign != _OPENS[sign]:
                opened.clear()
                continue
            bracket = opened.pop()
            before = marks[number - 1]
            schedule = _schedule(source, bracket, marks[bracket.number], before, at) if sign == "]" else None
            if schedule is None and (bracket.bars or len(bracket.colons) > (1 if sign == ")" else 0)):
                opened.clear()
            else:
                pairs[number] = _Pair(bracket.number, schedule)
    return pairs


def _schedule(source: str, bracket: _OpenBracket, start: int, before: int, close: int) -> Schedule | None:
    """The schedule in a square bracket, where `before` is the last mark in it; None if it is a weight."""
    span, inner = (start, close + 1), start + 1
    if bracket.colons and bracket.bars:
        return None
    match bracket.colons:
        case []:
            edges = pairwise((start, *bracket.bars, close))
            return (
                Schedule(span, tuple((left + 1, right) for left, right in edges), None)
                if bracket.bars
                else None
            )
        case [last] if last == before and _is_number(source[last + 1 : close]):
            options = ((inner, inner), (inner, last))
        case [first, last] if last == before and _is_number(source[last + 1 : close]):
            options = ((inner, first), (first + 1, last))
        case _:
            return None
    return Schedule(span, options, source[before + 1 : close].strip())


def _is_number(text: str) -> bool:
    """Whether `text` is a number and nothing else: ASCII digits, perhaps a sign, a point, an exponent."""
    if set(text.strip()) - _NUMERIC:
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
