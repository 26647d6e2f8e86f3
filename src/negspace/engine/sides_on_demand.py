"""Sides that are encoded when a rule first asks for them: each term alone, or together with the prompt."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

from negspace.encoding import Conditioning, Encoder, match_lengths
from negspace.engine.sides import ConditioningSum, SidesAtStep, WeightedConditioning, read_alike
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.shared.groups import divided, side_of_group, weights_of_group
from negspace.guidance.shared.terms import alone_side, joint_side, joint_sides
from negspace.planning.negative import PlannedTerm
from negspace.planning.plan import Plan
from negspace.planning.rule import JOINT_BRANCH
from negspace.policy.policy import is_locked_by_policy
from negspace.prompt import Chunk, Prompt, ScheduledPrompt, parse, unfold

Texts = tuple[Prompt | None, ...]
"""What the first text model of a network reads, the second, and so on; None is as in `encode_negative`."""

TextsAtStep = tuple[tuple[Texts, float], ...]
"""The texts of a side at a step, with their weights; () is no text at all."""


class SideSource(ABC):
    """Further sides of the lanes of one plan. What it encodes is kept, and shared by those lanes.

    Args:
        encoder: encodes the texts.
        plan: names the weighting.
        names: of the sides that it has.
    """

    def __init__(self, encoder: Encoder, plan: Plan, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._encoder = encoder
        self._plan = plan
        self._encoded: dict[Texts, Conditioning] = {}
        self._padded: dict[tuple[Texts, tuple[float, ...]], Conditioning] = {}

    @abstractmethod
    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        """One of its sides at a step of the sampler, at least as long as the sides that are there.

        Raises:
            PromptError, EncodingError: it cannot be read or encoded.
        """

    def _encode(self, texts: Texts, sides: SidesAtStep) -> Conditioning:
        if texts not in self._encoded:
            first, *others = texts
            assert first is not None
            weighting = self._plan.carried.weighting
            self._encoded[texts] = self._encoder.encode(first, weighting, tuple(others))
        encoded = self._encoded[texts]
        empty = sides[EMPTY][0].conditioning
        key = texts, tuple(empty.window_shares)
        if key not in self._padded:
            self._padded[key] = match_lengths([encoded, empty])[0]
        return self._padded[key]


@final
class SeparateSides(SideSource):
    """The terms of a plan as sides "negative:0", "negative:1".. in order."""

    def __init__(self, encoder: Encoder, plan: Plan) -> None:
        super().__init__(encoder, plan, [f"{NEGATIVE}:{number}" for number in range(len(plan.terms))])
        self._scheduled_prompts: dict[str, tuple[ScheduledPrompt, ...]] = {}

    @property
    def locked(self) -> frozenset[str]:
        """The sides of the terms that a policy locks, where the plan tells them apart from the others."""
        if not self._plan.groups:
            return frozenset()
        pairs = zip(self.names, self._plan.terms, strict=True)
        return frozenset(name for name, term in pairs if is_locked_by_policy(term.avoid))

    def weights(self, step: int) -> dict[str, float]:
        """The weight of every side at a step of the sampler; 0 outside its window, and where only a joint
        branch would tell words that the encoder has never learned.

        Those, and terms that come later, come behind, so that they do not change how the others are divided
        among joint sides.
        """
        progress = step / self._plan.steps
        terms = sorted(zip(self.names, self._plan.terms, strict=True), key=lambda pair: _order(pair[1]))
        return {name: _weight(term, progress) for name, term in terms}

    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        if name not in self._scheduled_prompts:
            term = self._plan.terms[self.names.index(name)].avoid.term
            self._scheduled_prompts[name] = unfold(term, self._plan.steps, self._plan.negative_dialect)
        empty = sides[EMPTY][0].conditioning
        parts: list[WeightedConditioning] = []
        for scheduled in self._scheduled_prompts[name]:
            encoded = self._encode((scheduled.at(step + 1),), sides)
            alike = read_alike(encoded, empty)
            parts.append(WeightedConditioning(empty if alike else encoded, scheduled.factor))
        return tuple(parts)


def _left_out(term: PlannedTerm) -> bool:
    return term.known is False and term.channel == JOINT_BRANCH


def _weight(term: PlannedTerm, progress: float) -> float:
    start, stop = term.avoid.window
    return term.avoid.weight if start <= progress < stop and not _left_out(term) else 0.0


def _order(term: PlannedTerm) -> tuple[bool, float]:
    return _left_out(term), term.avoid.window[0]


@final
class JointSides(SideSource):
    """The prompt of a plan with terms appended, as sides "joint:0", "joint:1"..: see `joint_sides`; and these
    terms without the prompt, as sides "alone:0", "alone:1"...

    Terms that share a side keep their weights relative to each other, the largest being 1. A term is left out
    if the encoder has never learned its words, or outside its window. Where none is left, the side is the
    positive side, or the empty prompt. Where the plan tells locked terms apart, each group of terms has joint
    sides of its own.

    Args:
        encoder: reads the prompt.
        plan: the plan.
        separate: the same terms as sides of their own.
        prompts: the texts of the positive side at each step of the sampler.
    """

    def __init__(
        self, encoder: Encoder, plan: Plan, separate: SeparateSides, prompts: Sequence[TextsAtStep]
    ) -> None:
        joint = tuple(joint_sides(dict.fromkeys(separate.names, 1.0)))
        sides = (*joint, *map(alone_side, joint))
        of_groups = (side_of_group(side, group.name) for group in plan.groups for side in sides)
        super().__init__(encoder, plan, (*sides, *of_groups))
        self._separate = separate
        self._prompts = prompts

    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        side, group = divided(name)
        joint = joint_side(side)
        assert joint is not None  # names has no others
        terms = self._avoided(joint, group, step)
        if joint != side:
            return self._alone(terms, sides) if terms else sides[EMPTY]
        if not terms:
            return sides[POSITIVE]
        appended = (Chunk(", ", 1.0), *terms)
        return tuple(
            WeightedConditioning(
                self._encode(tuple(_longer(text, appended) for text in texts), sides), factor
            )
            for texts, factor in self._prompts[step]
        )

    def _alone(self, terms: tuple[Chunk, ...], sides: SidesAtStep) -> ConditioningSum:
        text = Prompt(terms, self._plan.negative_dialect, "")
        return (WeightedConditioning(self._encode((text,), sides)),)

    def _avoided(self, joint: str, group: str, step: int) -> tuple[Chunk, ...]:
        weights = weights_of_group(self._separate.weights(step), group, self._separate.locked)
        largest, shared = joint_sides(weights).get(joint, (1.0, ()))
        chunks: list[Chunk] = []
        for own, term in zip(self._separate.names, self._plan.terms, strict=True):
            if own in shared and term.known is not False:
                weight = weights[own] / largest
                if chunks:
                    chunks.append(Chunk(", ", 1.0))
                parsed = parse(term.avoid.term, self._plan.negative_dialect).chunks
                chunks += [Chunk(part.text, part.weight * weight, part.span, part.kind) for part in parsed]
        return tuple(chunks)


def _longer(text: Prompt | None, appended: tuple[Chunk, ...]) -> Prompt | None:
    return None if text is None else replace(text, chunks=(*text.chunks, *appended))


@final
class SidesOnDemand(Mapping[str, ConditioningSum]):
    """The sides that are encoded already, and those of sources.

    Args:
        sides: encoded already.
        sources: of the others.
        step: of the sampler.
    """

    def __init__(self, sides: SidesAtStep, sources: Sequence[SideSource], step: int) -> None:
        self._sides = sides
        self._sources = {name: source for source in sources for name in source.names}
        self._step = step

    def __getitem__(self, name: str) -> ConditioningSum:
        source = self._sources.get(name)
        return self._sides[name] if source is None else source.side(name, self._step, self._sides)

    def __contains__(self, name: object) -> bool:
        return name in self._sides or name in self._sources

    def __iter__(self) -> Iterator[str]:
        yield from self._sides
        yield from self._sources

    def __len__(self) -> int:
        return len(self._sides) + len(self._sources)
