"""Attention maps exchanged between two texts of one picture. Hertz et al., arXiv 2208.01626, section 3.

The network is asked for the original and the edited text at once, the rows of the edited behind those of the
original, and in its attentions the edited rows take maps of the original ones:

    cross-attention  M'[:, t] = M_original[:, takes[t]] where takes[t] >= 0, else M_edited[:, t]
    self-attention   M' = M_original where `whole`, else M_edited

with their own values. What was swapped in so stands where the words around it say.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, final

import torch
from torch import Tensor

from negspace.encoding import Exchange

_Choice = Callable[[Tensor, Tensor], Tensor]


@final
class MapExchange:
    """An attention of diffusers that computes its maps in the open: half of its rows take the others'.

    Args:
        choose: (original, edited), each [rows, heads, queries, tokens], to the edited rows' maps.
    """

    def __init__(self, choose: _Choice) -> None:
        self._choose = choose

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        read = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query = attention.head_to_batch_dim(attention.to_q(hidden_states))
        key = attention.head_to_batch_dim(attention.to_k(read))
        value = attention.head_to_batch_dim(attention.to_v(read))
        maps = attention.get_attention_scores(query, key, attention_mask)
        original, edited = maps.unflatten(0, (2, -1, attention.heads)).unbind()
        maps = torch.stack([original, self._choose(original, edited)]).flatten(0, 2)
        heard = attention.batch_to_head_dim(torch.bmm(maps, value))
        for layer in attention.to_out:
            heard = layer(heard)
        return heard


def cross_attention_choice(takes: Tensor) -> _Choice:
    """The choice of a cross-attention, `takes` [rows, tokens] int."""

    def choose(original: Tensor, edited: Tensor) -> Tensor:
        taken = takes.to(edited.device)[:, None, None, :]
        moved = original.gather(-1, taken.clamp(min=0).expand_as(edited))
        return torch.where(taken >= 0, moved, edited)

    return choose


def self_attention_choice(whole: Tensor) -> _Choice:
    """The choice of a self-attention, `whole` [rows] bool."""

    def choose(original: Tensor, edited: Tensor) -> Tensor:
        return torch.where(whole.to(edited.device)[:, None, None, None], original, edited)

    return choose


@contextmanager
def exchanging(unet: torch.nn.Module, exchanges: Sequence[Exchange]) -> Iterator[None]:
    """While this lasts, the second half of a UNet's rows takes maps of the first, one exchange a row.

    The UNet must be asked by one thread at a time meanwhile.
    """
    chosen = {
        "attn1": self_attention_choice(torch.tensor([each.keeps_self_attention for each in exchanges])),
        "attn2": cross_attention_choice(torch.stack([each.source_tokens for each in exchanges])),
    }
    with ExitStack() as stack:
        for name, module in unet.named_modules():
            choose = chosen.get(name.rpartition(".")[2])
            if choose is not None:
                attention: Any = module
                stack.callback(attention.set_processor, attention.processor)
                attention.set_processor(MapExchange(choose))
        yield
