"""What is wanted together with what is avoided, as if that were wished for: the joint side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import final

from negspace.avoid.plan import Plan
from negspace.encoding import Conditioning, Encoder
from negspace.engine.apart import Apart
from negspace.engine.lane import Cast, Part, Side
from negspace.engine.later import Maker
from negspace.guidance.avoiding import joined
from negspace.guidance.base import EMPTY, POSITIVE
from negspace.prompt import Chunk, Prompt, parse


@final
class Joint(Maker):
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
        planned: Plan,
        apart: Apart,
        said: Sequence[Sequence[tuple[tuple[Prompt | None, ...], float]]],
    ) -> None:
        self._encoder = encoder
        self._plan = planned
        self._apart = apart
        self._said = said
        self._encoded: dict[tuple[Prompt | None, ...], Conditioning] = {}
        self.names = tuple(joined(dict.fromkeys(apart.names, 1.0)))

    def side(self, name: str, step: int, cast: Cast) -> Side:
        more = self._more(name, step)
        if not more:
            return cast[POSITIVE]
        windows = cast[EMPTY][0].conditioning.windows
        return tuple(
            Part(self._read(tuple(_with(text, more) for text in texts), windows), factor)
            for texts, factor in self._said[step]
        )

    def _more(self, name: str, step: int) -> tuple[Chunk, ...]:
        weights = self._apart.weights(step)
        largest, shared = joined(weights).get(name, (1.0, ()))
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
