"""Wishes: what a prompt asks for, as far as it matters to what is avoided, and taking things out of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from negspace.avoid.matching import Found, Index, Mention
from negspace.avoid.negations import negation_in
from negspace.avoid.terms import terms_of, unfolded
from negspace.findings import Finding
from negspace.prompt import Blend, Chunk, Conjunction, Passage, Prompt, Swap
from negspace.request import Avoid

_LEAD = re.compile(
    r"(?:\b(?:(?:who|which|that)\s+(?:is|are)\s+)?(?:wearing|with|in|on|holding|and|of)\s+)?"
    r"\b(?:(?:a|an|the|some|his|her|its|their|my|two|three|many)\s+)?$",
    re.IGNORECASE,
)
_NEGATES = re.compile(r"\b(?:no|without|free of|avoid|never|don|exclude)", re.IGNORECASE)
_INLINE = re.compile(r"^\s*negative\s+prompt\s*:|###|(?:^|\s)--\w+|\|", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Wish:
    """A prompt without what it says is not wanted.

    Attributes:
        text: the prompt that is left.
        avoided: what the negations in it mean.
        findings: one for each.
    """

    text: str
    avoided: tuple[Avoid, ...]
    findings: tuple[Finding, ...]


def understood(prompt: str, dialect: str, steps: int) -> Wish:
    """A prompt with its "no people" and "without a hat" taken out and turned into terms to avoid.

    Only what stands in the text as it is read is taken out; a negation with syntax inside it is left.

    Raises:
        RequestError: there is no such dialect.
    """
    if not may_negate(prompt):
        return Wish(prompt, (), ())
    avoided: list[Avoid] = []
    findings: list[Finding] = []
    cuts: list[tuple[int, int]] = []
    for term in terms_of(prompt, dialect, steps):
        start, stop = term.span or (0, 0)
        if term.avoid.weight <= 0 or prompt[start:stop] != term.avoid.term:
            continue
        negation = negation_in(term.avoid.term, tail=True)
        if negation is None:
            continue
        cuts.append((start + negation.start, start + negation.stop))
        avoided += (term.avoid.model_copy(update={"term": one}) for one in negation.terms)
        meant = " and ".join(repr(one) for one in negation.terms)
        told = f"{negation.said!r} in the prompt is understood as avoiding {meant}, and taken out of it"
        findings.append(Finding("negation", told, cuts[-1], "prompt", "note"))
    return Wish(without(prompt, cuts), tuple(avoided), tuple(findings))


def may_negate(prompt: str) -> bool:
    """Whether a negation can be in a text at all; most have none, and are not looked at further."""
    return _NEGATES.search(prompt) is not None


def without(text: str, cuts: Sequence[tuple[int, int]]) -> str:
    """The text without these parts, and without the comma that each leaves behind."""
    for start, stop in sorted(cuts, reverse=True):
        left, right = text[:start].rstrip(), text[stop:].lstrip()
        if right.startswith(",") and (not left or left[-1] in ",([{"):
            right = right[1:].lstrip()
        elif left.endswith(",") and (not right or right[0] in ")]},:"):
            left = left[:-1].rstrip()
        gap = " " if left and right and right[0] not in ",;:.)]}" and left[-1] not in "([{" else ""
        text = f"{left}{gap}{right}"
    return text


def readings(text: str, dialect: str, steps: int) -> tuple[str, ...]:
    """Everything a text can say to a model: each of its prompts at each step, and the text as it stands."""
    said = [text]
    for prompt in _prompts(text, dialect, steps):
        said += (prompt.clean, *_edited(prompt))
    return tuple(dict.fromkeys(said))


def wished(text: str, dialect: str, steps: int) -> tuple[str, ...]:
    """What a text asks for: its readings without what weighs nothing or less."""
    said: list[str] = []
    for strand in unfolded(text, steps, dialect):
        for _, prompt in strand.prompts:
            parts = (chunk.text if _wanted(chunk, strand.factor) else " , " for chunk in prompt.chunks)
            said.append((" " if dialect == "compel" else "").join(parts))
            said += _edited(prompt)
    return tuple(dict.fromkeys(said))


def _wanted(chunk: Chunk, factor: float) -> bool:
    return chunk.kind == "text" and chunk.weight * factor > 0


def mentions(index: Index[Found], texts: Sequence[str], *, strict: bool) -> list[Mention[Found]]:
    """Where any of the texts mentions what the index knows; the places are in that text."""
    return [mention for text in texts for mention in index.mentions(text, strict=strict)]


def cut_mentions(index: Index[Found], text: str) -> str:
    """The text without the phrases that the index knows, nor the words that lead to them ("with a")."""
    cuts: list[tuple[int, int]] = []
    for mention in index.mentions(text, strict=True):
        lead = _LEAD.search(text[: mention.start])
        start = mention.start if lead is None else lead.start()
        if cuts and start < cuts[-1][1]:
            start, before = min(start, cuts[-1][0]), cuts.pop()
            cuts.append((start, max(before[1], mention.stop)))
        else:
            cuts.append((start, mention.stop))
    return without(text, cuts)


def inline_forms(prompt: str) -> Iterator[Finding]:
    """Forms by which other programs avoid things inside a prompt; here they are words of it."""
    for match in _INLINE.finditer(prompt):
        told = f"{match[0].strip()!r} in the prompt is read as part of it; what is avoided is not told there"
        yield Finding("inline", told, match.span(), "prompt")


def _prompts(text: str, dialect: str, steps: int) -> Iterator[Prompt]:
    return (prompt for strand in unfolded(text, steps, dialect) for _, prompt in strand.prompts)


def _edited(prompt: Prompt) -> Iterator[str]:
    """The sides of compel's swaps that `clean` leaves out."""
    match prompt.structure:
        case Blend(parts=parts) | Conjunction(parts=parts):
            passages: tuple[Passage, ...] = parts
        case Passage() as passage:
            passages = (passage,)
        case None:
            return
    for passage in passages:
        yield " ".join(chunk.text for chunk in passage.chunks)
        for piece in passage.pieces:
            if isinstance(piece, Swap):
                yield " ".join(chunk.text for chunk in piece.edited)
