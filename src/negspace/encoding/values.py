"""Negative weights inside a prompt: the words push away because their attention values change sign. NegPiP.

Cross-attention of a query q over tokens with keys k and values v becomes

    Σ_t softmax(q·k + log|s|)_t · sign(s_t) · v_t,        s_t = -1 for words with a negative weight, else 1

with s the conditioning's `value_scale`. Keys stay as they are: words must get attention to be pushed away.
Words of a weight between 0 and -1 have s = w: a share of the attention that is nothing at 0. The size of a
weight below -1 is in the word's hidden state already, by the named weighting.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from negspace.errors import EncodingError


def scale_values(values: Tensor, scale: Tensor) -> Tensor:
    """s·v.

    Args:
        values: [rows, tokens, dim], from the value projection of a cross-attention.
        scale: [rows, tokens], the rows' `value_scale`, 1 where a row has none.

    Raises:
        EncodingError: rows or tokens do not match.
    """
    if values.shape[:2] != scale.shape:
        raise EncodingError(
            f"values for {tuple(values.shape[:2])} (rows, tokens), but a scale for {tuple(scale.shape)}"
        )
    return values * scale.to(values)[:, :, None]


def stack_scales(scales: Iterable[Tensor | None], tokens: int) -> Tensor | None:
    """[rows, tokens], each row's `value_scale` or ones; None where no row has one."""
    rows = list(scales)
    if all(row is None for row in rows):
        return None
    device = next(row.device for row in rows if row is not None)
    ones = torch.ones(tokens, device=device)
    return torch.stack([ones if row is None else row for row in rows])


def signs_and_scores(scale: Tensor) -> tuple[Tensor, Tensor | None]:
    """The signs of the attention values, and what is added to the scores: log|s|, None where all is 0.

    Args:
        scale: [rows, tokens], as `stack_scales` has it.
    """
    size = scale.abs()
    return scale.sign(), None if bool((size == 1).all()) else size.log()


@contextmanager
def scaled(projections: Iterable[torch.nn.Module], scale: Tensor | None) -> Iterator[None]:
    """Within this context the results of these value projections are multiplied by `scale`, if any.

    The attention itself stays as it is. For a UNet of diffusers the projections are the `to_v` of every
    module called `attn2`. Only one thread at a time may use the network meanwhile.

    Args:
        projections: the value projections of the cross-attentions.
        scale: [rows, tokens], rows in the order of the network's batch.
    """
    with ExitStack() as stack:
        if scale is not None:

            def scale_output(_: torch.nn.Module, __: object, values: Tensor) -> Tensor:
                return scale_values(values, scale)

            for projection in projections:
                stack.callback(projection.register_forward_hook(scale_output).remove)
        yield
