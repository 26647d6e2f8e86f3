"""The texts of a plan, encoded once and brought to a common length, as the sides of its lanes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from negspace.avoid.terms import unfolded, words_of
from negspace.encoding import (
    ChunkReport,
    Conditioning,
    Encoder,
    EncoderReport,
    encode_negative,
    match_lengths,
)
from negspace.engine.sides import ConditioningSum, SidesAtStep, WeightedConditioning, read_alike, step_at
from negspace.engine.sides_on_demand import (
    JointSides,
    SeparateSides,
    SidesOnDemand,
    Texts,
    TextsAtStep,
)
from negspace.errors import EncodingError
from negspace.facts import ModelFacts
from negspace.findings import Finding, Side
from negspace.guidance.branch import EMPTY, NEGATIVE, OTHERS, POSITIVE
from negspace.guidance.shared.groups import side_of_group
from negspace.planning.plan import Plan
from negspace.records import SideRecord, TokenRecord

Weighted = tuple[tuple[Conditioning, float], ...]
"""The conditionings of a side at a step, with their weights, before they have a common length."""


_OTHERS = side_of_group(NEGATIVE, OTHERS)


class EncodedPlan:
    """The sides of the lanes of a plan. All lanes of one plan share it.

    Args:
        encoder: of the network.
        facts: of the network: what an absent negative means for it, and whether it carries out swaps.
        plan: the plan.

    Raises:
        EncodingError: a text cannot be encoded as asked.
    """

    def __init__(self, encoder: Encoder, facts: ModelFacts, plan: Plan) -> None:
        self._plan = plan
        self._empty = encoder.empty()
        self._absent = encode_negative(encoder, None, facts.absent)
        self._alike: dict[int, tuple[Conditioning, Conditioning]] = {}
        self._positive_texts, self._negative_texts = _texts_of(plan)
        self._positive = self._encode(encoder.prompt_encoder, facts, self._positive_texts)
        all_negatives = [step for texts in self._negative_texts.values() for step in texts]
        self._negative = self._encode(encoder, facts, all_negatives)
        self._swapped: dict[tuple[int, tuple[bool, bool]], Conditioning] = {}
        self._separate = SeparateSides(encoder, plan)
        self._joint = JointSides(encoder.prompt_encoder, plan, self._separate, self._positive_texts)
        encoded = (*self._positive.values(), *self._negative.values())
        if not facts.swaps and any(conditioning.exchange is not None for conditioning in encoded):
            raise EncodingError(
                f"swap() exchanges attention maps, which {facts.name} cannot do; write a schedule"
            )

    def _encode(
        self, encoder: Encoder, facts: ModelFacts, steps: Sequence[TextsAtStep]
    ) -> dict[Texts, Conditioning]:
        """All texts of a side; texts that mean "no branch" are left out."""
        weighting = self._plan.carried.weighting
        encoded = {
            texts: encode_negative(encoder, texts[0], facts.absent, weighting, texts[1:])
            for texts in dict.fromkeys(texts for step in steps for texts, _ in step)
        }
        return {texts: conditioning for texts, conditioning in encoded.items() if conditioning is not None}

    def sides(self, evaluations: int) -> list[SidesAtStep]:
        """Every side, one entry per evaluation of a sampler.

        A sampler of second order evaluates a step twice, with the same sides.
        """
        known: dict[tuple[tuple[tuple[int, float], ...], ...], SidesAtStep] = {}
        sides: list[SidesAtStep] = []
        for step in self._steps(evaluations):
            progress = step / self._plan.steps
            positive = self._conditionings(self._positive, self._positive_texts[step], progress)
            negatives = {
                name: self._conditionings(self._negative, texts[step], progress)
                for name, texts in self._negative_texts.items()
            }
            texts = (positive, *negatives.values())
            key = tuple(tuple((id(part), weight) for part, weight in side) for side in texts)
            if key not in known:
                known[key] = self._matched(positive, negatives)
            sides.append(SidesOnDemand(known[key], (self._separate, self._joint), step))
        return sides

    def negatives(self, evaluations: int) -> list[dict[str, float]]:
        """The weights of the sides of separate terms, one entry per evaluation of a sampler.

        Without terms there is nothing to avoid, whatever stands for an absent negative: "negative" weighs 0.
        """
        weights = [self._separate.weights(step) for step in self._steps(evaluations)]
        return weights if self._plan.terms else [{NEGATIVE: 0.0}] * evaluations

    @property
    def locked(self) -> frozenset[str]:
        """The sides of the terms that a policy locks, where they are told apart from the others."""
        return self._separate.locked

    def _steps(self, evaluations: int) -> Iterator[int]:
        return (step_at(index, self._plan.steps, evaluations) for index in range(evaluations))

    def _conditionings(
        self, encoded: Mapping[Texts, Conditioning], step: TextsAtStep, progress: float
    ) -> Weighted:
        return tuple((self._at(encoded[texts], progress), weight) for texts, weight in step)

    def _at(self, encoded: Conditioning, progress: float) -> Conditioning:
        """The conditioning at a share of the run, which decides what its swaps exchange."""
        if encoded.exchange is None:
            return self._shared(encoded)
        key = id(encoded), encoded.exchange.active_at(progress)
        if key not in self._swapped:
            self._swapped[key] = encoded.with_maps(key[1])
        return self._swapped[key]

    def _shared(self, encoded: Conditioning) -> Conditioning:
        """The conditioning, or an earlier one from which the network reads the same: it is evaluated once."""
        if id(encoded) not in self._alike:
            known = (self._empty, *(other for _, other in self._alike.values()))
            alike = next((other for other in known if read_alike(encoded, other)), encoded)
            self._alike[id(encoded)] = encoded, alike
        return self._alike[id(encoded)][1]

    def _matched(self, positive: Weighted, negatives: Mapping[str, Weighted]) -> SidesAtStep:
        """The sides of one step, all of the same length but that of other terms beside locked ones: what the
        network reads of the locked ones must not depend on it.
        """
        given = {POSITIVE: positive, EMPTY: ((self._empty, 1.0),), NEGATIVE: (), **negatives}
        others = given.pop(_OTHERS, ())
        if not given[NEGATIVE] and self._absent is not None:
            given[NEGATIVE] = ((self._shared(self._absent), 1.0),)
        sides = _of_one_length(given)
        if not given[NEGATIVE]:  # without a conditioning for an absent negative both are the same and cancel
            sides[NEGATIVE] = sides[POSITIVE]
        if others:
            sides[_OTHERS] = _of_one_length({**given, _OTHERS: others})[_OTHERS]
        return sides

    @property
    def positive(self) -> SideRecord:
        """What the network read on the positive side."""
        return _side_record(self._plan.positive, self._positive)

    @property
    def negative(self) -> SideRecord:
        """What the network read on the negative side."""
        return _side_record(self._plan.negative, self._negative)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was cut, or could not be encoded as asked."""
        sides: tuple[tuple[Side, dict[Texts, Conditioning]], ...] = (
            ("prompt", self._positive),
            ("avoid", self._negative),
        )
        findings = (
            replace(finding, side=side)
            for side, encoded in sides
            for conditioning in encoded.values()
            for finding in conditioning.findings
        )
        return tuple(dict.fromkeys(findings))

    def tokens_of(self, term: str) -> tuple[str, ...]:
        """The tokens of the words of a term on the negative side; () where it is not there."""
        words = words_of(term)
        reports = [report for encoded in self._negative.values() for report in encoded.tokens]
        return next((tokens for report in reports if (tokens := _tokens_in(report, words))), ())


def _of_one_length(given: Mapping[str, Weighted]) -> dict[str, ConditioningSum]:
    distinct = list({id(part): part for side in given.values() for part, _ in side}.values())
    matched = dict(zip(map(id, distinct), match_lengths(distinct), strict=True))
    return {
        name: tuple(WeightedConditioning(matched[id(part)], weight) for part, weight in side)
        for name, side in given.items()
    }


def _texts_of(plan: Plan) -> tuple[list[TextsAtStep], dict[str, list[TextsAtStep]]]:
    """The texts of the positive side at each step of the sampler, and those of every negative side."""
    request = plan.carried
    positive = _texts_by_step(
        lambda _: plan.positive, request.dialect, request.other_prompts, request.dialect, plan.steps
    )
    texts_at = {side_of_group(NEGATIVE, group.name): group.text_at for group in plan.groups}
    negatives = {
        name: _texts_by_step(
            text_at, plan.negative_dialect, request.other_avoids, request.dialect, plan.steps
        )
        for name, text_at in (texts_at or {NEGATIVE: plan.negative_at}).items()
    }
    return positive, negatives


def _texts_by_step(
    text_at: Callable[[float], str | None],
    dialect: str,
    others: Sequence[str | None],
    others_dialect: str,
    steps: int,
) -> list[TextsAtStep]:
    """The texts of a side at each step of the sampler.

    Args:
        text_at: the text of the first text model at a share of the run.
        dialect: of that text.
        others: texts of the further text models.
        others_dialect: of these.
    """
    by_step: list[TextsAtStep] = []
    for step in range(1, steps + 1):
        first = text_at((step - 1) / steps)
        # A plan allows texts for further text models only where no text of the side is a sum of parts.
        further = tuple(
            None if text is None else unfolded(text, steps, others_dialect)[0].at(step) for text in others
        )
        if first is not None:
            scheduled_prompts = unfolded(first, steps, dialect)
            by_step.append(
                tuple(((scheduled.at(step), *further), scheduled.factor) for scheduled in scheduled_prompts)
            )
        else:
            by_step.append((((None, *further), 1.0),) if any(text is not None for text in others) else ())
    return by_step


def _side_record(text: str | None, encoded: Mapping[Texts, Conditioning]) -> SideRecord:
    tokens = (_token_record(chunk) for chunk in _chunks(encoded.values()))
    return SideRecord(
        text=text,
        windows=max((conditioning.windows for conditioning in encoded.values()), default=0),
        tokens=tuple(dict.fromkeys(tokens)),
    )


def _chunks(encoded: Iterable[Conditioning]) -> Iterator[ChunkReport]:
    return (chunk for part in encoded for report in part.tokens for chunk in report.chunks)


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
