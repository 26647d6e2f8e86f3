"""What a UNet makes of patches: each is carried out while one evaluation lasts, and taken back after it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, final

import torch
from torch import Tensor

from negspace.encoding import Conditioning
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
    def applied(self, rows: Sequence[Row]) -> AbstractContextManager[None]:
        """While it lasts, the network answers as the patches of these rows, all of one kind, ask for."""


@final
class NoPatchHost(PatchHost):
    """A network that is left as it is. It can only be replaced by a weaker one."""

    def __init__(self, name: str) -> None:
        self.values = ()
        self._name = name

    def check(self, patch: Patch) -> None:
        if not isinstance(patch, OtherWeights):
            raise no_place(self._name, patch)

    def applied(self, rows: Sequence[Row]) -> AbstractContextManager[None]:
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

    def applied(self, rows: Sequence[Row]) -> AbstractContextManager[None]:
        patches: list[Any] = [row.patch for row in rows]
        split = rows[0].conditionings[0].hidden.shape[0]
        match patches[0]:
            case None | OtherWeights():
                return nullcontext()
            case MixedAttention():
                return processing(self.cross_attentions, MixingProcessor(patches, split))
            case FlippedValues():
                processor = SignFlipProcessor(patches, avoided_words(rows), split)
                return processing(self.cross_attentions, processor)
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


def avoided_words(rows: Sequence[Row]) -> Tensor:
    """[rows, tokens] bool on the rows' device, where a word stands in the conditionings behind the first."""
    masks = (torch.cat(list(map(word_mask, row.conditionings[1:]))) for row in rows)
    return torch.stack(list(masks)).to(rows[0].x.device)


def word_mask(conditioning: Conditioning) -> Tensor:
    """[tokens] bool, where a word stands in a conditioning: no begin mark, end mark or padding."""
    words = torch.zeros(conditioning.hidden.shape[0], dtype=torch.bool)
    for report in conditioning.tokens:
        places = [place for chunk in report.chunks for place in chunk.places if place >= 0]
        words[places] = True
    return words
