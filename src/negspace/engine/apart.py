"""What is avoided, told one by one: sides of their own, encoded when a rule first asks for them."""

from typing import final

import torch

from negspace.avoid.plan import Plan
from negspace.encoding import Conditioning, Encoder
from negspace.engine.lane import Cast, Part, Side
from negspace.engine.later import Maker
from negspace.guidance.base import EMPTY, NEGATIVE
from negspace.prompt import Prompt, Strand, unfold


@final
class Apart(Maker):
    """The terms of a plan as sides "negative:0", "negative:1".. in order. The lanes of one plan share it.

    Args:
        encoder: of the network.
        planned: the plan.
    """

    def __init__(self, encoder: Encoder, planned: Plan) -> None:
        self._encoder = encoder
        self._plan = planned
        self._encoded: dict[Prompt, Conditioning] = {}
        self._strands: dict[int, tuple[Strand, ...]] = {}
        self._padded: dict[tuple[Prompt, int], Conditioning] = {}
        self.names = tuple(f"{NEGATIVE}:{number}" for number in range(len(planned.terms)))

    def weights(self, step: int) -> dict[str, float]:
        """The weight of every side at a step of the sampler; 0 outside its window."""
        progress = step / self._plan.steps
        asked = [term.avoid for term in self._plan.terms]
        return {
            name: one.weight if one.window[0] <= progress < one.window[1] else 0.0
            for name, one in zip(self.names, asked, strict=True)
        }

    def side(self, name: str, step: int, cast: Cast) -> Side:
        number = self.names.index(name)
        if number not in self._strands:
            term = self._plan.terms[number].avoid.term
            self._strands[number] = unfold(term, self._plan.steps, self._plan.negative_dialect)
        nothing = cast[EMPTY]
        parts: list[Part] = []
        for strand in self._strands[number]:
            encoded = self._read(strand.at(step + 1), nothing[0].conditioning.windows)
            if torch.equal(encoded.hidden, nothing[0].conditioning.hidden):
                encoded = nothing[0].conditioning
            parts.append(Part(encoded, strand.factor))
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
