"""Group norms as a CPU does them fastest."""

from typing import final

import torch
from torch import Tensor


@final
class PlanarGroupNorm(torch.nn.GroupNorm):
    """A group norm that goes through its pictures plane by plane, whatever their order in memory.

    torch 2.13 sums over groups of channels that lie apart in memory (channels last) five to seven times
    slower than it takes to lay every channel in a piece, to norm it and to lay it back: with 160 channels of
    8 x 8 in bfloat16, 0.99 ms for 16 pictures against 0.17 ms. Of a step of a small UNet that was a seventh.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[rows, channels, ...] to the same, in the same order in memory."""
        if input.dim() != 4 or input.is_contiguous():
            return super().forward(input)
        return super().forward(input.contiguous()).contiguous(memory_format=torch.channels_last)


def use_planar_norms(network: torch.nn.Module) -> None:
    """Let every group norm of a network be planar; their weights stay what they are."""
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if type(child) is torch.nn.GroupNorm:
                norm = PlanarGroupNorm(child.num_groups, child.num_channels, child.eps, child.affine, "meta")
                norm.weight, norm.bias = child.weight, child.bias
                setattr(parent, name, norm.train(child.training))
