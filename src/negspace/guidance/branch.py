"""What a rule asks the engine for: predictions, each with its conditioning and changes to the network."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from torch import Generator, Tensor

POSITIVE, NEGATIVE, EMPTY = "positive", "negative", "empty"
JOINT, ALONE = "joint", "alone"
LOCKED, OTHERS = "locked", "others"
"""The two groups of what is avoided: locked terms of policies, and all others."""

Need = Literal["cross-attention", "mid self-attention", "self-attention", "weak model"]


@dataclass(frozen=True)
class Patch:
    """A change to the network for one branch. Networks refuse the patches they cannot host.

    Class attributes:
        needs: what the network must have for it, besides answering; None where nothing is known of that.
        cancels: whether nothing is changed where its sides say the same as the branch's own.

    Attributes:
        sides: names of further sides of the lane whose conditioning the changed network reads.
    """

    needs: ClassVar[Need | None] = None
    cancels: ClassVar[bool] = False

    sides: tuple[str, ...] = ()

    @property
    def kind(self) -> Hashable:
        """Equal for patches that one evaluation can carry out together, a row each."""
        return type(self)


@dataclass(frozen=True)
class ConditioningNoise:
    """Noise on a conditioning y, added before the network reads it: y' = keep * y + strength * N(0, 1).

    It is drawn from the seed of the picture and the step alone, so no network has to support it.

    Attributes:
        keep, strength: factors of the conditioning and of the noise.
        matched: share of y' that is brought back to y's mean and standard deviation.
    """

    keep: float
    strength: float
    matched: float

    def added(self, y: Tensor, generator: Generator) -> Tensor:
        """y', with mean and standard deviation taken over all numbers of y.

        Args:
            y: any shape; the result has its shape, type and device.
            generator: on the CPU; what is drawn depends on it and the shape alone.
        """
        import torch

        drawn = torch.randn(y.shape, generator=generator, dtype=torch.float32).to(y.device)
        plain = y.float()
        noisy = self.keep * plain + self.strength * drawn
        deviation = noisy.std()
        centred = (noisy - noisy.mean()) / torch.where(deviation > 0, deviation, 1.0)
        matched = centred * plain.std() + plain.mean()
        return (self.matched * matched + (1.0 - self.matched) * noisy).to(y.dtype)


@dataclass(frozen=True)
class Branch:
    """One prediction that a rule asks for.

    Attributes:
        name: the rule's name for it, under which its evaluations are counted.
        side: which conditioning the network gets: "positive"; "negative", everything avoided in one text, or
            the empty prompt where nothing is avoided; "empty"; "negative:0", "negative:1".. for separate
            terms; "joint:0", "joint:1".. for the prompt together with some of what is avoided; "alone:0",
            "alone:1".. for the same without the prompt. "@locked" or "@others" behind one of these limits it
            to the terms of that group.
        patch: a change to the network; None runs it as it is.
        noise: noise on the conditioning; None leaves it as it is.
    """

    name: str
    side: str
    patch: Patch | None = None
    noise: ConditioningNoise | None = None
