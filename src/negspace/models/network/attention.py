"""Attention whose rows read two conditionings, or themselves in a worse way: processors for diffusers.

They hold what one evaluation needs and are taken off after it. Numbers differ from row to row.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, final

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from negspace.guidance.patches import FlippedValues, MixedAttention


@final
class MixingProcessor:
    """Attention to either conditioning, and what the rows' patches make of both.

    Args:
        patches: one a row.
        split: tokens of the first conditioning; those behind are the second one's.
    """

    def __init__(self, patches: Sequence[MixedAttention], split: int) -> None:
        self._rows = {patch: [i for i, other in enumerate(patches) if other == patch] for patch in patches}
        self._split = split

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        query, key, value = query_key_value(attn, hidden_states, encoder_hidden_states)
        bias = None if attention_mask is None else attention_mask[:, None]
        positive, negative = (
            scaled_dot_product_attention(
                query, key[:, :, part], value[:, :, part], None if bias is None else bias[..., part]
            )
            .transpose(1, 2)
            .float()
            for part in (slice(None, self._split), slice(self._split, None))
        )
        mixed = torch.empty_like(positive)
        for patch, rows in self._rows.items():
            mixed[rows] = patch.mix(positive[rows], negative[rows])
        return project_output(attn, mixed.to(value.dtype))


@final
class SignFlipProcessor:
    """One attention to the first conditioning and, with their values' sign turned, the words of the second.

    Args:
        patches: one a row.
        words: [rows, tokens] in [0, 1] of the second conditioning, how much of a word stands there.
        split: tokens of the first conditioning.
    """

    def __init__(self, patches: Sequence[FlippedValues], words: Tensor, split: int) -> None:
        def each(name: str) -> Tensor:
            return torch.tensor([getattr(patch, name) for patch in patches], device=words.device)[:, None]

        ahead = torch.zeros(len(patches), split, device=words.device)
        behind = words.to(torch.float32).log() - each("bias")
        self._scores = torch.cat([ahead, behind], 1)[:, None, None]
        self._factors = torch.cat([ahead + 1, -each("weight").expand_as(words)], 1)[:, None, :, None]

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        query, key, value = query_key_value(attn, hidden_states, encoder_hidden_states)
        flipped = value * self._factors.to(value.dtype)
        mask = self._scores.to(value.dtype)
        mask = mask if attention_mask is None else mask + attention_mask[:, None]
        attended = scaled_dot_product_attention(query, key, flipped, attn_mask=mask)
        return project_output(attn, attended.transpose(1, 2))


@final
class IdentityProcessor:
    """Self-attention whose map is the identity: every token takes its own value."""

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any
    ) -> Tensor:
        return project_output(attn, query_key_value(attn, hidden_states, hidden_states)[2].transpose(1, 2))


@final
class BlurProcessor:
    """Self-attention whose queries are blurred over the picture.

    Args:
        blurs: one a row, the Gaussian's standard deviation in tokens.
        shape: (height, width) of what the network is shown.
    """

    def __init__(self, blurs: Sequence[float], shape: tuple[int, int]) -> None:
        self._blurs = blurs
        self._shape = shape

    def __call__(
        self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **_: Any
    ) -> Tensor:
        query, key, value = query_key_value(attn, hidden_states, hidden_states)
        shrunk = math.sqrt(math.prod(self._shape) / query.shape[2])
        height, width = (round(side / shrunk) for side in self._shape)
        over_rows, over_columns = (
            torch.stack([gaussian(size, blur) for blur in self._blurs]).to(query) for size in (height, width)
        )
        picture = query.unflatten(2, (height, width))
        smooth = torch.einsum("bij,bkl,bhjlc->bhikc", over_rows, over_columns, picture).flatten(2, 3)
        return project_output(attn, scaled_dot_product_attention(smooth, key, value).transpose(1, 2))


def gaussian(size: int, blur: float) -> Tensor:
    """[size, size] float32, each row the weights of a mean around its place; the identity where blur is 0."""
    if blur == 0:
        return torch.eye(size)
    places = torch.arange(size, dtype=torch.float32)
    return (-((places[:, None] - places) ** 2) / (2 * blur * blur)).softmax(1)


def query_key_value(attn: Any, hidden: Tensor, context: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value of a diffusers attention module, [rows, heads, tokens, dim] each."""
    query, key, value = attn.to_q(hidden), attn.to_k(context), attn.to_v(context)
    query, key, value = (x.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for x in (query, key, value))
    return query, key, value


def project_output(attn: Any, attended: Tensor) -> Tensor:
    """What the module answers for [rows, tokens, heads, dim], through its output projection."""
    return attn.to_out[1](attn.to_out[0](attended.flatten(2)))


@contextmanager
def processing(modules: Iterable[Any], processor: Callable[..., Any]) -> Iterator[None]:
    """While this lasts, these attention modules are computed by this processor."""
    before = [(module, module.processor) for module in modules]
    try:
        for module, _ in before:
            module.set_processor(processor)
        yield
    finally:
        for module, own in before:
            module.set_processor(own)


@contextmanager
def biased(modules: Iterable[torch.nn.Module], bias: Tensor | None) -> Iterator[None]:
    """While this lasts, `bias` [rows, tokens], if any, is added to the scores of these cross-attentions."""
    with ExitStack() as stack:
        if bias is not None:

            def add(_: object, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
                return given, {**named, "attention_mask": bias.to(given[0])[:, None]}

            for module in modules:
                stack.callback(module.register_forward_pre_hook(add, with_kwargs=True).remove)
        yield


@contextmanager
def skipping(layers: Sequence[torch.nn.Module], rows: Tensor) -> Iterator[None]:
    """While this lasts, these layers leave some rows as they are.

    Args:
        layers: that answer with a tuple of one tensor, of the shape of their first argument.
        rows: [layers, rows] bool, which are left.
    """
    hooks: list[Any] = []
    try:
        for layer, left in zip(layers, rows, strict=True):

            def keep(
                _: object, given: tuple[Tensor, ...], answer: tuple[Tensor, ...], left: Tensor = left
            ) -> tuple[Tensor]:
                return (torch.where(left.reshape(-1, *[1] * (given[0].ndim - 1)), given[0], answer[0]),)

            hooks.append(layer.register_forward_hook(keep))
        yield
    finally:
        for hook in hooks:
            hook.remove()
