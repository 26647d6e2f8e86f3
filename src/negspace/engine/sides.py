"""Casting: what each side says at each step, encoded once and brought to a common length."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import torch

from negspace.avoid.terms import unfolded, words_of
from negspace.encoding import (
    ChunkReport,
    Conditioning,
    Encoder,
    EncoderReport,
    encode_negative,
    match_lengths,
)
from negspace.engine.lane import SidesAtStep, WeightedConditioning
from negspace.engine.sides_on_demand import JointSides, SeparateSides, SidesOnDemand
from negspace.errors import EncodingError
from negspace.facts import ModelFacts
from negspace.findings import Finding, Side
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.planning.plan import Plan
from negspace.prompt import Prompt
from negspace.records import SideRecord, TokenRecord

Texts = tuple[Prompt | None, ...]
"""What the first text model of a network reads, the second, and so on; None is as in `encode_negative`."""

TextsAtStep = tuple[tuple[Texts, float], ...]
"""What a side says at a step: texts with their weights. Nothing at all is ()."""


class Sides:
    """Turns the texts of a plan into the sides of its lanes. The lanes of one plan share it.

    Args:
        encoder: of the network.
        facts: of the network: what an absent negative means for it, and whether it carries out swaps.
        planned: the plan.

    Raises:
        EncodingError: a text cannot be encoded as asked.
    """

    def __init__(self, encoder: Encoder, facts: ModelFacts, plan: Plan) -> None:
        self._plan = plan
        self._apart = SeparateSides(encoder, plan)
        self._empty = encoder.empty()
        self._absent = encode_negative(encoder, None, facts.absent)
        asked = plan.carried
        self._positive = _timetable(
            lambda _: plan.positive, asked.dialect, asked.other_prompts, asked.dialect, plan.steps
        )
        self._negative = _timetable(
            plan.negative_at, plan.negative_dialect, asked.other_avoids, asked.dialect, plan.steps
        )
        self._joint = JointSides(encoder.prompt_encoder, plan, self._apart, self._positive)
        self._wished = self._encode(encoder.prompt_encoder, facts, self._positive)
        self._avoided = self._encode(encoder, facts, self._negative)
        self._during: dict[tuple[int, tuple[bool, bool]], Conditioning] = {}
        encoded = (*self._wished.values(), *self._avoided.values())
        if not facts.swaps and any(one.exchange is not None for one in encoded):
            raise EncodingError(
                f"swap() exchanges attention maps, which {facts.name} cannot do; write a schedule"
            )

    def _encode(
        self, encoder: Encoder, facts: ModelFacts, timetable: Sequence[TextsAtStep]
    ) -> dict[Texts, Conditioning]:
        """All that a side says, encoded; what nothing stands for is left out."""
        weighting = self._plan.carried.weighting
        made = {
            texts: encode_negative(encoder, texts[0], facts.absent, weighting, texts[1:])
            for texts in _all_texts(timetable)
        }
        return {texts: encoded for texts, encoded in made.items() if encoded is not None}

    def at_evaluations(self, evaluations: int) -> list[SidesAtStep]:
        """What every side says, one entry per evaluation of a sampler.

        A sampler of second order evaluates a step twice; both say what the step says.
        """
        made: dict[tuple[tuple[tuple[int, float], ...], ...], SidesAtStep] = {}
        casts: list[SidesAtStep] = []
        for index, step in enumerate(self._steps(evaluations)):
            progress = index / evaluations
            positive = self._told(self._wished, self._positive[step], progress)
            negative = self._told(self._avoided, self._negative[step], progress)
            key = tuple(tuple((id(told), weight) for told, weight in side) for side in (positive, negative))
            if key not in made:
                made[key] = self._cast(positive, negative)
            casts.append(SidesOnDemand(made[key], (self._apart, self._joint), step))
        return casts

    def negatives(self, evaluations: int) -> list[dict[str, float]]:
        """The weights of what is avoided one by one, by side, one entry per evaluation of a sampler."""
        return [self._apart.weights(step) for step in self._steps(evaluations)]

    def _steps(self, evaluations: int) -> Iterator[int]:
        return (index * self._plan.steps // evaluations for index in range(evaluations))

    def _cast(
        self, positive: list[tuple[Conditioning, float]], negative: list[tuple[Conditioning, float]]
    ) -> SidesAtStep:
        """One step's sides. What says no more than the empty prompt is the empty prompt, and is run once."""
        told = {POSITIVE: positive, EMPTY: [(self._empty, 1.0)]}
        if negative:
            told[NEGATIVE] = negative
        else:  # where no branch can stand for nothing, the two sides say the same and cancel
            told[NEGATIVE] = positive if self._absent is None else [(self._once(self._absent), 1.0)]
        flat = [conditioning for side in told.values() for conditioning, _ in side]
        distinct = list({id(conditioning): conditioning for conditioning in flat}.values())
        matched = dict(zip(map(id, distinct), match_lengths(distinct), strict=True))
        return {
            side: tuple(
                WeightedConditioning(matched[id(conditioning)], weight) for conditioning, weight in pairs
            )
            for side, pairs in told.items()
        }

    def _told(
        self, encoded: Mapping[Texts, Conditioning], said: TextsAtStep, progress: float
    ) -> list[tuple[Conditioning, float]]:
        return [(self._at(encoded[texts], progress), weight) for texts, weight in said]

    def _at(self, encoded: Conditioning, progress: float) -> Conditioning:
        """What texts say at a share of the run, which decides what their swaps exchange."""
        if encoded.exchange is None:
            return self._once(encoded)
        key = id(encoded), encoded.exchange.holds(progress)
        if key not in self._during:
            self._during[key] = encoded.during(key[1])
        return self._during[key]

    def _once(self, encoded: Conditioning) -> Conditioning:
        """The conditioning, or the empty prompt's where it says no more than that."""
        same = torch.equal(encoded.hidden, self._empty.hidden) and (
            encoded.pooled is None
            or self._empty.pooled is None
            or torch.equal(encoded.pooled, self._empty.pooled)
        )
        return self._empty if same else encoded

    @property
    def positive(self) -> SideRecord:
        """What the positive side was told."""
        return self._record(self._plan.positive, self._wished)

    @property
    def negative(self) -> SideRecord:
        """What the negative side was told."""
        return self._record(self._plan.negative, self._avoided)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was cut, or could not be encoded as asked."""
        sides: tuple[tuple[Side, dict[Texts, Conditioning]], ...] = (
            ("prompt", self._wished),
            ("avoid", self._avoided),
        )
        found = (
            replace(finding, side=side)
            for side, encoded in sides
            for one in encoded.values()
            for finding in one.findings
        )
        return tuple(dict.fromkeys(found))

    def tokens_of(self, term: str) -> tuple[str, ...]:
        """The tokens that the words of a term became on the negative side; () where it was not told."""
        words = words_of(term)
        reports = [report for encoded in self._avoided.values() for report in encoded.tokens]
        return next((tokens for report in reports if (tokens := _tokens_in(report, words))), ())

    def _record(self, text: str | None, encoded: Mapping[Texts, Conditioning]) -> SideRecord:
        tokens = (_token_record(chunk) for chunk in _chunks(encoded.values()))
        return SideRecord(
            text=text,
            windows=max((one.windows for one in encoded.values()), default=0),
            tokens=tuple(dict.fromkeys(tokens)),
        )


def _timetable(
    text_at: Callable[[float], str | None],
    dialect: str,
    others: Sequence[str | None],
    of_others: str,
    steps: int,
) -> list[TextsAtStep]:
    """What a side says at each step of the sampler; `of_others` is the dialect of the other texts."""
    said: list[TextsAtStep] = []
    for step in range(1, steps + 1):
        first = text_at((step - 1) / steps)
        # The plan has seen to it that a text of another encoder has no parts, nor has the first one then.
        behind = tuple(
            None if text is None else unfolded(text, steps, of_others)[0].at(step) for text in others
        )
        if first is not None:
            told = [
                ((scheduled.at(step), *behind), scheduled.factor)
                for scheduled in unfolded(first, steps, dialect)
            ]
        else:
            told = [((None, *behind), 1.0)] if any(text is not None for text in others) else []
        said.append(tuple(told))
    return said


def _all_texts(timetable: Iterable[TextsAtStep]) -> list[Texts]:
    return list(dict.fromkeys(texts for said in timetable for texts, _ in said))


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


def _tokens_in(report: EncoderReport, words: Sequence[str]) -> tuple[str, ...]:
    """The tokens of the first place where these words stand in a row; () where they do not.

    What the encoder takes for one word, such as the name of an embedding, may be several of these.
    """
    read = [word for chunk in report.chunks for word in chunk.words]
    parts = [(part, number) for number, word in enumerate(read) for part in words_of(word.text)]
    for start in range(len(parts) - len(words) + 1 if words else 0):
        run = parts[start : start + len(words)]
        if [part for part, _ in run] == list(words):
            numbers = dict.fromkeys(number for _, number in run)
            return tuple(token for number in numbers for token in read[number].tokens)
    return ()
