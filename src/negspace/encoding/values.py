"""Negative weights inside a prompt: the words push away because their attention values change sign. NegPiP.

Cross-attention of a query q over tokens with keys k and values v becomes

    Σ_t softmax(q·k)_t · s_t · v_t,        s_t = -1 for words with a negative weight, else 1

with s the conditioning's `value_scale`. Keys stay as they are: the words must be looked at to be pushed away.
How much a word of weight -w is told (w) is in its hidden state already, by the named weighting.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

from negspace.errors import EncodingError


def scale_values(values: Tensor, scale: Tensor) -> Tensor:
    """s·v.

    Args:
        values: [rows, tokens, dim], what a cross-attention's value projection made of the conditioning.
        scale: [rows, tokens], the rows' `value_scale`, 1 where a row has none.

    Raises:
        EncodingError: they disagree about rows or tokens.
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


@contextmanager
def scaled(projections: Iterable[torch.nn.Module], scale: Tensor | None) -> Iterator[None]:
    """While this lasts, what these value projections answer is multiplied by `scale`; None leaves them alone.

    Whatever computes the attention itself stays as it is. For a UNet of diffusers the projections are the
    `to_v` of every module called `attn2`; a network must be asked by one thread at a time meanwhile.

    Args:
        projections: the value projections of the cross-attentions.
        scale: [rows, tokens], rows in the order of the network's batch.
    """
    with ExitStack() as stack:
        if scale is not None:

            def turn(_: torch.nn.Module, __: object, values: Tensor) -> Tensor:
                return scale_values(values, scale)

            for projection in projections:
                stack.callback(projection.register_forward_hook(turn).remove)
        yield
