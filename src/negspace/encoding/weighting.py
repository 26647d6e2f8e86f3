"""How the weights of words change the result of an encoder: four weightings, by name.

Each works on one window at a time, so that a text never depends on another, and in float32.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from negspace.errors import EncodingError, lookup

NEAR_ZERO = 1e-3
"""A mean below this share of the mean magnitude says nothing about the size of the values."""


@dataclass(frozen=True, eq=False)
class WeightedWindow:
    """One encoded window and the weights of its tokens.

    Attributes:
        z: [window, dim] float32, the encoded window.
        empty: [window, dim] float32, the encoded empty prompt.
        weights: [window] float32, none below 0; begin, end and padding have 1.
        fragments: [window] int, the chunk each token comes from; -1 for begin, end and padding.
        encode_without: (keep [window] int) -> [window, dim] float32, the window encoded without attention to
            the tokens whose keep is 0.
    """

    z: Tensor
    empty: Tensor
    weights: Tensor
    fragments: Tensor
    encode_without: Callable[[Tensor], Tensor]


def a1111(window: WeightedWindow) -> Tensor:
    """z·w, then scaled so that the window's mean is what it was. AUTOMATIC1111, emphasis mode "Original".

    The mean is left alone where it is too near zero to be divided by, or where weighting turned its sign.
    """
    weighted = product(window)
    before, after = window.z.mean(), weighted.mean()
    least = NEAR_ZERO * float(weighted.abs().mean())
    if float(before) * float(after) <= 0 or abs(float(after)) < least:
        return weighted
    return weighted * (before / after)


def lerp(window: WeightedWindow) -> Tensor:
    """e + w·(z - e), with e the encoded empty prompt. ComfyUI."""
    weighted = window.empty + window.weights[:, None] * (window.z - window.empty)
    return torch.where(window.weights[:, None] == 1, window.z, weighted)


def product(window: WeightedWindow) -> Tensor:
    """z·w. sd_embed."""
    return window.z * window.weights[:, None]


def compel(window: WeightedWindow) -> Tensor:
    """lerp; for each fragment with w < 1 an encoding without it is mixed in at tan((1 - w)·π/2). compel.

    The mixing weights are normalised, that of the encoding with all fragments is 1: at w = 1/2 the result
    lies halfway between the two, at w = 0 the fragment is gone.
    """
    total, mixed = 1.0, lerp(window)
    for fragment in window.fragments.unique().tolist():
        here = window.fragments == fragment
        weight = float(window.weights[here][0])
        if fragment < 0 or weight >= 1:
            continue
        share = math.tan((1 - max(weight, 1e-5)) * math.pi / 2)
        without = replace(window, z=window.encode_without((~here).long()))
        mixed = mixed + share * lerp(without)
        total += share
    return mixed / total


Weighting = Callable[[WeightedWindow], Tensor]

WEIGHTINGS: dict[str, Weighting] = {"a1111": a1111, "lerp": lerp, "compel": compel, "product": product}


def find_weighting(name: str) -> Weighting:
    """The weighting of this name.

    Raises:
        EncodingError: there is none.
    """
    return lookup("weighting", name, WEIGHTINGS, EncodingError)
