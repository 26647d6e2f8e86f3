"""What a UNet makes of patches: each is carried out while one evaluation lasts, and taken back after it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, final

import torch
from torch import Tensor

from negspace.errors import RequestError
from negspace.guidance import Patch
from negspace.guidance.patches import (
    BlurredQueries,
    FlippedValues,
    IdentityAttention,
    MixedAttention,
    OtherWeights,
    SkippedLayers,
)
from negspace.models.base import Row
from negspace.models.network.attention import (
    BlurProcessor,
    IdentityProcessor,
    MixingProcessor,
    SignFlipProcessor,
    biased,
    processing,
    skipping,
)


class PatchHost(ABC):
    """The places of a network that patches change.

    Attributes:
        values: the value projections of its cross-attentions, which negative weights turn; () where it has
            none.
    """

    values: Sequence[torch.nn.Module]

    @abstractmethod
    def check(self, patch: Patch) -> None:
        """See to it that a patch can be carried out.

        Raises:
            RequestError: it cannot.
        """

    @abstractmethod
    def applied(self, rows: Sequence[Row], bias: Tensor | None = None) -> AbstractContextManager[None]:
        """While it lasts, the network answers as the patches of these rows, all of one kind, ask for.

        Args:
            rows: the rows.
            bias: [rows, tokens], added to the scores of their conditionings' tokens in every attention.
        """


@final
class NoPatchHost(PatchHost):
    """A network that is left as it is. It can only be replaced by a weaker one."""

    def __init__(self, name: str) -> None:
        self.values = ()
        self._name = name

    def check(self, patch: Patch) -> None:
        if not isinstance(patch, OtherWeights):
            raise no_place(self._name, patch)

    def applied(self, rows: Sequence[Row], bias: Tensor | None = None) -> AbstractContextManager[None]:
        if bias is not None:
            raise RequestError(f"{self._name} has no place for words of small weights; leave them out")
        if rows[0].patch is not None:
            self.check(rows[0].patch)
        return nullcontext()


@final
class UNetPatchHost(PatchHost):
    """The places of a UNet of diffusers that patches change.

    Attributes:
        unet: a UNet2DConditionModel.
        cross_attentions: its cross-attention modules.
        values: their value projections.
        middle_self_attentions: the self-attention modules of its middle block.
        layers: its transformers, in the order in which the picture passes them.
    """

    def __init__(self, unet: Any, name: str) -> None:
        self.unet = unet
        self._name = name
        blocks = [*unet.down_blocks, *([unet.mid_block] if unet.mid_block else []), *unet.up_blocks]
        named = [entry for block in blocks for entry in block.named_modules()]
        self.cross_attentions = [module for place, module in named if place.endswith("attn2")]
        self.values = [module.to_v for module in self.cross_attentions]
        self.layers = [module for _, module in named if hasattr(module, "transformer_blocks")]
        middle = unet.mid_block.named_modules() if unet.mid_block else ()
        self.middle_self_attentions = [module for place, module in middle if place.endswith("attn1")]

    def check(self, patch: Patch) -> None:
        match patch:
            case OtherWeights():
                there, needed = True, ""
            case MixedAttention() | FlippedValues():
                there, needed = bool(self.cross_attentions), "cross-attention"
            case IdentityAttention() | BlurredQueries():
                there, needed = bool(self.middle_self_attentions), "self-attention in its middle"
            case SkippedLayers():
                there, needed = bool(self.layers), "attention layers"
            case _:
                raise no_place(self._name, patch)
        if not there:
            raise RequestError(f"{self._name} has no {needed}; choose another rule")

    @contextmanager
    def applied(self, rows: Sequence[Row], bias: Tensor | None = None) -> Iterator[None]:
        with biased(self.cross_attentions, bias), self._patched(rows):
            yield

    def _patched(self, rows: Sequence[Row]) -> AbstractContextManager[None]:
        patches: list[Any] = [row.patch for row in rows]
        split = rows[0].conditionings[0].hidden.shape[0]
        match patches[0]:
            case None | OtherWeights():
                return nullcontext()
            case MixedAttention():
                return processing(self.cross_attentions, MixingProcessor(patches, split))
            case FlippedValues():
                words = word_shares(rows)
                return processing(self.cross_attentions, SignFlipProcessor(patches, words, split))
            case IdentityAttention():
                return processing(self.middle_self_attentions, IdentityProcessor())
            case BlurredQueries():
                shape = (rows[0].x.shape[-2], rows[0].x.shape[-1])
                processor = BlurProcessor([patch.blur for patch in patches], shape)
                return processing(self.middle_self_attentions, processor)
            case SkippedLayers():
                skipped = [skipped_layers(patch, len(self.layers)) for patch in patches]
                return skipping(self.layers, torch.tensor(skipped, device=rows[0].x.device).T)
            case patch:
                raise no_place(self._name, patch)


def skipped_layers(patch: SkippedLayers, count: int) -> list[bool]:
    """For each of the layers whether it is skipped: whether it lies between the two shares at least in part.

    Layers are measured in whole numbers up to rounding, so that 7/24 to 10/24 of 24 are exactly three.
    """
    start, stop = (round(share * count, 9) for share in (patch.start, patch.stop))
    return [start < i + 1 and i < stop for i in range(count)]


def no_place(name: str, patch: Patch) -> RequestError:
    """The error that the model `name` cannot be changed by a patch."""
    return RequestError(f"{name} has no place for {type(patch).__name__}; choose another rule")


def word_shares(rows: Sequence[Row]) -> Tensor:
    """[rows, tokens] in [0, 1], where a word stands in the conditionings behind a row's first."""
    read = [torch.cat([other.word_shares for other in row.conditionings[1:]]) for row in rows]
    return torch.stack(read).to(rows[0].x.device)
