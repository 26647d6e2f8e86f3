"""The positive side: what a prompt asks for, and how negations and phrases are taken out of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from negspace.avoid.matching import Index, Value
from negspace.avoid.negations import may_negate, negation_in
from negspace.avoid.terms import terms_of, unfolded
from negspace.findings import Finding
from negspace.prompt import Chunk, Prompt, Swap
from negspace.request import Avoid

_LEADING_WORDS = re.compile(
    r"(?:\b(?:(?:who|which|that)\s+(?:is|are)\s+)?(?:wearing|with|in|on|holding|and|of)\s+)?"
    r"\b(?:(?:a|an|the|some|his|her|its|their|my|two|three|many)\s+)?$",
    re.IGNORECASE,
)
_INLINE = re.compile(r"^\s*negative\s+prompt\s*:|###|(?:^|\s)--\w+|\|", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class PositivePrompt:
    """A prompt without its negations.

    Attributes:
        text: the prompt that is left.
        avoided: what its negations avoid.
        findings: one for each negation.
    """

    text: str
    avoided: tuple[Avoid, ...]
    findings: tuple[Finding, ...]


def take_out_negations(prompt: str, dialect: str, steps: int) -> PositivePrompt:
    """A prompt with its "no people" and "without a hat" taken out and turned into terms to avoid.

    Only what the text has as it is read is taken out; a negation with syntax inside it is left.

    Raises:
        RequestError: there is no such dialect.
    """
    if not may_negate(prompt):
        return PositivePrompt(prompt, (), ())
    avoided: list[Avoid] = []
    findings: list[Finding] = []
    spans: list[tuple[int, int]] = []
    for term in terms_of(prompt, dialect, steps):
        start, stop = term.span or (0, 0)
        if term.avoid.weight <= 0 or prompt[start:stop] != term.avoid.term:
            continue
        negation = negation_in(term.avoid.term)
        if negation is None:
            continue
        spans.append((start + negation.start, start + negation.stop))
        avoided += (term.avoid.model_copy(update={"term": negated}) for negated in negation.terms)
        meaning = " and ".join(map(repr, negation.terms))
        text = f"{negation.text!r} in the prompt is understood as avoiding {meaning}, and taken out of it"
        findings.append(Finding("negation", text, spans[-1], "prompt", "note"))
    return PositivePrompt(without_spans(prompt, spans), tuple(avoided), tuple(findings))


def without_spans(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text without these parts, and without the comma that each leaves behind."""
    for start, stop in sorted(spans, reverse=True):
        left, right = text[:start].rstrip(), text[stop:].lstrip()
        if right.startswith(",") and (not left or left[-1] in ",([{"):
            right = right[1:].lstrip()
        elif left.endswith(",") and (not right or right[0] in ")]},:"):
            left = left[:-1].rstrip()
        gap = " " if left and right and right[0] not in ",;:.)]}" and left[-1] not in "([{" else ""
        text = f"{left}{gap}{right}"
    return text


def without_mentions(text: str, index: Index[Value]) -> str:
    """The text without the phrases that the index finds, nor the words that lead to them ("with a")."""
    spans: list[tuple[int, int]] = []
    for mention in index.mentions_in_disguise(text):
        leading = _LEADING_WORDS.search(text[: mention.start])
        start, stop = mention.start if leading is None else leading.start(), mention.stop
        if spans and start < spans[-1][1]:
            before = spans.pop()
            start, stop = min(start, before[0]), max(stop, before[1])
        spans.append((start, stop))
    return without_spans(text, spans)


def all_readings(text: str, dialect: str, steps: int) -> tuple[str, ...]:
    """Everything a model can read in a text: its prompts at each step, and the text as it is written."""
    readings = [text]
    for scheduled in unfolded(text, steps, dialect):
        for _, prompt in scheduled.prompts:
            readings += (prompt.clean, *_swapped(prompt))
    return tuple(dict.fromkeys(readings))


def wanted_readings(text: str, dialect: str, steps: int) -> tuple[str, ...]:
    """What a text asks for: its readings without the chunks that weigh nothing or less."""
    readings: list[str] = []
    for scheduled in unfolded(text, steps, dialect):
        for _, prompt in scheduled.prompts:
            parts = (chunk.text if _is_wanted(chunk, scheduled.factor) else " , " for chunk in prompt.chunks)
            readings.append(prompt.separator.join(parts))
            readings += _swapped(prompt)
    return tuple(dict.fromkeys(readings))


def _is_wanted(chunk: Chunk, factor: float) -> bool:
    return chunk.kind == "text" and chunk.weight * factor > 0


def _swapped(prompt: Prompt) -> Iterator[str]:
    """The sides of compel's swaps that `clean` leaves out."""
    for passage in prompt.passages:
        yield " ".join(chunk.text for chunk in passage.chunks)
        for piece in passage.pieces:
            if isinstance(piece, Swap):
                yield " ".join(chunk.text for chunk in piece.edited)


def inline_form_findings(prompt: str) -> Iterator[Finding]:
    """Forms by which other programs avoid things inside a prompt; here they are words of it."""
    for match in _INLINE.finditer(prompt):
        text = f"{match[0].strip()!r} in the prompt is read as part of it; it does not begin what is avoided"
        yield Finding("inline", text, match.span(), "prompt")
