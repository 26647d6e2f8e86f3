"""Casting: what each side says at each step, encoded once and brought to a common length."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import torch

from negspace.avoid.plan import Plan
from negspace.avoid.terms import words_of
from negspace.encoding import ChunkReport, Conditioning, Encoder, encode_negative, match_lengths
from negspace.engine.lane import Cast, Part
from negspace.errors import EncodingError
from negspace.facts import Absent
from negspace.findings import Finding
from negspace.guidance.base import EMPTY, NEGATIVE, POSITIVE
from negspace.prompt import Prompt, Strand, unfold
from negspace.receipt import SideRecord, TokenRecord

Said = tuple[tuple[Prompt, float], ...]
"""What a side says at a step: prompts with their weights. Nothing at all is ()."""


class Casting:
    """Turns the texts of a plan into the sides of its lanes. The lanes of one plan share it.

    Args:
        encoder: of the network.
        absent: what an absent negative means for it, as in `ModelFacts.absent`.
        planned: the plan.

    Raises:
        EncodingError: a text cannot be encoded as asked.
    """

    def __init__(self, encoder: Encoder, absent: Absent, planned: Plan) -> None:
        self._plan = planned
        self._empty = encoder.empty()
        self._absent = encode_negative(encoder, None, absent)
        self._positive = _timetable(lambda _: planned.positive, planned.steps, planned.request.dialect)
        self._negative = _timetable(planned.negative_at, planned.steps, planned.negative_dialect)
        prompts = _prompts(chain(self._positive, self._negative))
        weighting = planned.request.weighting
        self._encoded = {prompt: encoder.encode(prompt, weighting) for prompt in prompts}
        if any(encoded.exchange is not None for encoded in self._encoded.values()):
            raise EncodingError(
                "swap() exchanges attention maps, which no model here can do; write a schedule"
            )

    def casts(self, evaluations: int) -> list[Cast]:
        """What every side says, one entry per evaluation of a sampler.

        A sampler of second order evaluates a step twice; both say what the step says.
        """
        steps = self._plan.steps
        made: dict[tuple[Said, Said], Cast] = {}
        casts: list[Cast] = []
        for index in range(evaluations):
            step = index * steps // evaluations
            pair = self._positive[step], self._negative[step]
            if pair not in made:
                made[pair] = self._cast(*pair)
            casts.append(made[pair])
        return casts

    def _cast(self, positive: Said, negative: Said) -> Cast:
        """One step's sides. What says no more than the empty prompt is the empty prompt, and is run once."""
        told = {POSITIVE: self._told(positive), EMPTY: [(self._empty, 1.0)]}
        if negative:
            told[NEGATIVE] = self._told(negative)
        elif self._absent is not None:
            told[NEGATIVE] = [(self._absent, 1.0)]
        flat = [conditioning for side in told.values() for conditioning, _ in side]
        distinct = list({id(conditioning): conditioning for conditioning in flat}.values())
        matched = dict(zip(map(id, distinct), match_lengths(distinct), strict=True))
        return {
            side: tuple(Part(matched[id(conditioning)], weight) for conditioning, weight in pairs)
            for side, pairs in told.items()
        }

    def _told(self, said: Said) -> list[tuple[Conditioning, float]]:
        pairs = [(self._encoded[prompt], weight) for prompt, weight in said]
        return [
            (self._empty if torch.equal(encoded.hidden, self._empty.hidden) else encoded, weight)
            for encoded, weight in pairs
        ]

    @property
    def positive(self) -> SideRecord:
        """What the positive side was told."""
        return self._record(self._plan.positive, self._positive)

    @property
    def negative(self) -> SideRecord:
        """What the negative side was told."""
        return self._record(self._plan.negative, self._negative)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was cut, or could not be encoded as asked."""
        found = (finding for encoded in self._encoded.values() for finding in encoded.findings)
        return tuple(dict.fromkeys(found))

    def tokens_of(self, term: str) -> tuple[str, ...]:
        """The tokens that the words of a term became on the negative side; () where it was not told."""
        words = words_of(term)
        read = [word for chunk in _chunks(self._read(self._negative)) for word in _tokens_of_words(chunk)]
        for start in range(len(read) - len(words) + 1):
            run = read[start : start + len(words)]
            if words and all(said == word for (said, _), word in zip(run, words, strict=True)):
                return tuple(token for _, tokens in run for token in tokens)
        return ()

    def _read(self, timetable: Sequence[Said]) -> list[Conditioning]:
        return [self._encoded[prompt] for prompt in _prompts(timetable)]

    def _record(self, text: str | None, timetable: Sequence[Said]) -> SideRecord:
        encoded = self._read(timetable)
        tokens = (_token_record(chunk) for chunk in _chunks(encoded))
        return SideRecord(
            text=text,
            windows=max((one.windows for one in encoded), default=0),
            tokens=tuple(dict.fromkeys(tokens)),
        )


def _timetable(text_at: Callable[[float], str | None], steps: int, dialect: str) -> list[Said]:
    """What a side says at each step of the sampler."""
    unfolded: dict[str, tuple[Strand, ...]] = {}
    said: list[Said] = []
    for step in range(steps):
        text = text_at(step / steps)
        if text is None:
            said.append(())
            continue
        if text not in unfolded:
            unfolded[text] = unfold(text, steps, dialect)
        said.append(tuple((strand.at(step + 1), strand.factor) for strand in unfolded[text]))
    return said


def _prompts(timetable: Iterable[Said]) -> list[Prompt]:
    return list(dict.fromkeys(prompt for said in timetable for prompt, _ in said))


def _chunks(encoded: Iterable[Conditioning]) -> Iterator[ChunkReport]:
    return (chunk for one in encoded for report in one.tokens for chunk in report.chunks)


def _token_record(chunk: ChunkReport) -> TokenRecord:
    return TokenRecord(
        text=chunk.text,
        weight=chunk.weight,
        tokens=chunk.tokens,
        known=None if chunk.unknown is None else not chunk.unknown,
        cut=bool(chunk.cut),
    )


def _tokens_of_words(chunk: ChunkReport) -> list[tuple[str, tuple[str, ...]]]:
    """Every word of a chunk in lower case, with the tokens that begin inside it."""
    text = chunk.text.lower()
    words: list[tuple[str, int, int]] = []
    position = 0
    for word in chunk.words:
        start = text.find(word.text.lower(), position)
        position = start + len(word.text)
        words.append((word.text.lower(), start, position))
    tokens: dict[int, list[str]] = {start: [] for _, start, _ in words}
    position = 0
    for token in chunk.tokens:
        piece = token.removesuffix("</w>")
        found = text.find(piece, position)
        at = position if found < 0 else found  # letters outside ASCII are spelled in bytes
        for _, start, stop in words:
            if start <= at < stop:
                tokens[start].append(token)
        position = at if found < 0 else at + len(piece)
    return [(word, tuple(tokens[start])) for word, start, _ in words]
