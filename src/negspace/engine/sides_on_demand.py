"""Sides that are encoded when a rule first asks for them: each avoided thing alone, or with the prompt."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import final

import torch

from negspace.encoding import Conditioning, Encoder
from negspace.engine.lane import ConditioningSum, SidesAtStep, WeightedConditioning
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.shared.terms import joint_sides
from negspace.planning.plan import Plan
from negspace.prompt import Chunk, Prompt, ScheduledPrompt, parse, unfold


class SideSource(ABC):
    """Makes further sides of the lanes of one plan.

    Attributes:
        names: of the sides that it can make.
    """

    names: tuple[str, ...]

    @abstractmethod
    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        """What one of its sides says at a step of the sampler, brought to the length of the sides of `cast`.

        Raises:
            PromptError, EncodingError: it cannot be read or encoded.
        """


@final
class SidesOnDemand(Mapping[str, ConditioningSum]):
    """A cast with further sides.

    Args:
        cast: the sides that are there.
        makers: make the others.
        step: of the sampler.
    """

    def __init__(self, cast: SidesAtStep, makers: Sequence[SideSource], step: int) -> None:
        self._cast = cast
        self._makers = {name: maker for maker in makers for name in maker.names}
        self._step = step

    def __getitem__(self, name: str) -> ConditioningSum:
        maker = self._makers.get(name)
        return self._cast[name] if maker is None else maker.side(name, self._step, self._cast)

    def __contains__(self, name: object) -> bool:
        return name in self._cast or name in self._makers

    def __iter__(self) -> Iterator[str]:
        yield from self._cast
        yield from self._makers

    def __len__(self) -> int:
        return len(self._cast) + len(self._makers)


@final
class SeparateSides(SideSource):
    """The terms of a plan as sides "negative:0", "negative:1".. in order. The lanes of one plan share it.

    Args:
        encoder: of the network.
        planned: the plan.
    """

    def __init__(self, encoder: Encoder, plan: Plan) -> None:
        self._encoder = encoder
        self._plan = plan
        self._encoded: dict[Prompt, Conditioning] = {}
        self._scheduled_prompts: dict[int, tuple[ScheduledPrompt, ...]] = {}
        self._padded: dict[tuple[Prompt, int], Conditioning] = {}
        self.names = tuple(f"{NEGATIVE}:{number}" for number in range(len(plan.terms)))

    def weights(self, step: int) -> dict[str, float]:
        """The weight of every side at a step of the sampler; 0 outside its window."""
        progress = step / self._plan.steps
        asked = [term.avoid for term in self._plan.terms]
        return {
            name: one.weight if one.window[0] <= progress < one.window[1] else 0.0
            for name, one in zip(self.names, asked, strict=True)
        }

    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        number = self.names.index(name)
        if number not in self._scheduled_prompts:
            term = self._plan.terms[number].avoid.term
            self._scheduled_prompts[number] = unfold(term, self._plan.steps, self._plan.negative_dialect)
        nothing = sides[EMPTY]
        parts: list[WeightedConditioning] = []
        for scheduled in self._scheduled_prompts[number]:
            encoded = self._read(scheduled.at(step + 1), nothing[0].conditioning.windows)
            if torch.equal(encoded.hidden, nothing[0].conditioning.hidden):
                encoded = nothing[0].conditioning
            parts.append(WeightedConditioning(encoded, scheduled.factor))
        return tuple(parts)

    def _read(self, prompt: Prompt, windows: int) -> Conditioning:
        """A prompt in this many windows at least."""
        if prompt not in self._encoded:
            self._encoded[prompt] = self._encoder.encode(prompt, self._plan.carried.weighting)
        encoded = self._encoded[prompt]
        wanted = max(windows, encoded.windows)
        if (prompt, wanted) not in self._padded:
            self._padded[prompt, wanted] = encoded.padded(wanted)
        return self._padded[prompt, wanted]


@final
class JointSides(SideSource):
    """The prompt of a plan with things avoided appended, as sides "joint:0", "joint:1"..: see `joined`.

    Things that share a side keep their weights towards each other, the largest being 1. What the encoder has
    never learned, and what is not avoided at a step, is left out; where nothing is left, the side says what
    the prompt says.

    Args:
        encoder: reads the prompt.
        planned: the plan.
        apart: the same things one by one.
        said: what the positive side says at each step of the sampler: texts with their weights.
    """

    def __init__(
        self,
        encoder: Encoder,
        plan: Plan,
        apart: SeparateSides,
        said: Sequence[Sequence[tuple[tuple[Prompt | None, ...], float]]],
    ) -> None:
        self._encoder = encoder
        self._plan = plan
        self._apart = apart
        self._said = said
        self._encoded: dict[tuple[Prompt | None, ...], Conditioning] = {}
        self.names = tuple(joint_sides(dict.fromkeys(apart.names, 1.0)))

    def side(self, name: str, step: int, sides: SidesAtStep) -> ConditioningSum:
        more = self._more(name, step)
        if not more:
            return sides[POSITIVE]
        windows = sides[EMPTY][0].conditioning.windows
        return tuple(
            WeightedConditioning(self._read(tuple(_with(text, more) for text in texts), windows), factor)
            for texts, factor in self._said[step]
        )

    def _more(self, name: str, step: int) -> tuple[Chunk, ...]:
        weights = self._apart.weights(step)
        largest, shared = joint_sides(weights).get(name, (1.0, ()))
        chunks: list[Chunk] = []
        for side, term in zip(self._apart.names, self._plan.terms, strict=True):
            if side in shared and term.known is not False:
                read = parse(term.avoid.term, self._plan.negative_dialect).chunks
                weight = weights[side] / largest
                chunks.append(Chunk(", ", 1.0))
                chunks += [Chunk(one.text, one.weight * weight, one.span, one.kind) for one in read]
        return tuple(chunks)

    def _read(self, texts: tuple[Prompt | None, ...], windows: int) -> Conditioning:
        if texts not in self._encoded:
            first, *others = texts
            assert first is not None
            encoded = self._encoder.encode(first, self._plan.carried.weighting, tuple(others))
            self._encoded[texts] = encoded.padded(max(windows, encoded.windows))
        return self._encoded[texts]


def _with(text: Prompt | None, more: tuple[Chunk, ...]) -> Prompt | None:
    return None if text is None else replace(text, chunks=(*text.chunks, *more))
