"""The changes to a network that networks know how to carry out, and what each needs of a network.

A network carries out a patch by its type. A rule that needs one of these is one file; a rule with a new kind
of patch also needs networks that can carry it out (negspace.models.network).
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import final

from negspace.guidance.branch import NEGATIVE, Patch
from negspace.guidance.tensor import Tensor


@dataclass(frozen=True)
class MixedAttention(Patch, ABC):
    """Cross-attention is computed for the positive and for the negative, and the two outputs are mixed."""

    needs = "cross-attention"

    sides: tuple[str, ...] = (NEGATIVE,)

    @abstractmethod
    def mix(self, positive: Tensor, negative: Tensor) -> Tensor:
        """What replaces the output for the positive, before the output projection; each row by itself.

        Args:
            positive, negative: [rows, tokens, heads, dim] float32.
        """


@final
@dataclass(frozen=True)
class FlippedValues(Patch):
    """Z = softmax([Q K+ ; Q K- - bias]) [V+ ; -weight V-]: one attention over the words of both.

    Only the word tokens of the negative take part: its begin mark and padding equal those of the positive,
    and pushing away from them would push away from everything.

    Attributes:
        weight: factor on the negative's values, whose sign is flipped.
        bias: subtracted from the negative's scores.
    """

    needs = "cross-attention"

    sides: tuple[str, ...] = (NEGATIVE,)
    weight: float = 1.0
    bias: float = 0.0


@final
@dataclass(frozen=True)
class OtherWeights(Patch):
    """The evaluation is another network's.

    Attributes:
        folder: a diffusers folder of the same family; only its network is read, the texts are encoded once.
    """

    needs = "weak model"

    folder: str = ""

    @property
    def kind(self) -> Hashable:
        return self


@final
@dataclass(frozen=True)
class IdentityAttention(Patch):
    """In the middle of the network every token attends to itself alone: the map is the identity."""

    needs = "mid self-attention"


@final
@dataclass(frozen=True)
class BlurredQueries(Patch):
    """In the middle of the network the queries of the self-attention are blurred over the picture.

    Attributes:
        blur: standard deviation of the Gaussian, in tokens.
    """

    needs = "mid self-attention"

    blur: float = 10.0


@final
@dataclass(frozen=True)
class SkippedLayers(Patch):
    """The attention layers that lie, wholly or in part, between two shares of the depth are skipped.

    Attributes:
        start, stop: of n layers, layer i lies from i/n to (i+1)/n.
    """

    needs = "self-attention"

    start: float = 0.0
    stop: float = 1.0
