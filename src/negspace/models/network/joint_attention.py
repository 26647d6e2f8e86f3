"""Joint attention of transformers (SD3, FLUX) whose rows read two conditionings.

Text and picture are tokens of one sequence there and change each other, layer by layer. What is avoided runs
along as a second text: the picture's tokens read both, each text reads the picture and itself alone. NAG is
carried out so by its authors (arXiv 2505.21179, section 4, on FLUX and SD3.5), and VSF (arXiv 2508.10931).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from negspace.guidance import Patch
from negspace.guidance.patches import FlippedValues, MixedAttention, OtherWeights
from negspace.models.base import Row
from negspace.models.network.attention import processing
from negspace.models.network.patching import PatchHost, no_place, word_shares

Projected = tuple[Tensor, Tensor, Tensor]
"""Query, key and value, [rows, heads, tokens, dim] each, the text before the picture."""

Projection = Callable[[Any, Tensor, Tensor | None, Any], Projected]
"""(attention module, picture, text or None where the picture's tokens come behind the text's, positions)."""


@final
class JointPatchHost(PatchHost):
    """The joint attentions of a transformer of diffusers; `project` makes their queries, keys and values."""

    def __init__(self, modules: Sequence[Any], name: str, project: Projection) -> None:
        self.values = [module.add_v_proj for module in modules if module.added_kv_proj_dim is not None]
        self._modules = modules
        self._name = name
        self._project = project

    def check(self, patch: Patch) -> None:
        if not isinstance(patch, MixedAttention | FlippedValues | OtherWeights):
            raise no_place(self._name, patch)

    def applied(self, rows: Sequence[Row], bias: Tensor | None = None) -> AbstractContextManager[None]:
        patches: list[Any] = [row.patch for row in rows]
        lengths = [conditioning.hidden.shape[0] for conditioning in rows[0].conditionings]
        texts = _Texts(lengths[0], sum(lengths), bias)
        match patches[0]:
            case MixedAttention():
                return processing(self._modules, JointMixingProcessor(self._project, texts, patches))
            case FlippedValues():
                words = word_shares(rows)
                return processing(self._modules, JointSignFlipProcessor(self._project, texts, patches, words))
            case None | OtherWeights() if bias is not None:
                return processing(self._modules, JointProcessor(self._project, texts))
            case None | OtherWeights():
                return nullcontext()
            case patch:
                raise no_place(self._name, patch)


@dataclass(frozen=True, eq=False)
class _Texts:
    """The texts before the picture.

    Attributes:
        split: tokens of the first.
        tokens: of both.
        bias: [rows, tokens], added to the scores of their tokens, or None.
    """

    split: int
    tokens: int
    bias: Tensor | None

    def scores(self, key: Tensor, start: int, stop: int) -> Tensor | None:
        """[rows, 1, 1, tokens], the bias of one part of the texts, and of the picture, which has none."""
        if self.bias is None:
            return None
        picture = key.new_zeros(len(self.bias), key.shape[2] - self.tokens)
        return torch.cat([self.bias[:, start:stop].to(key), picture], 1)[:, None, None]


class _Joint(ABC):
    """Attention over a first text, a second text and a picture.

    Args:
        project: how a module makes queries, keys and values.
        texts: the two texts.
    """

    def __init__(self, project: Projection, texts: _Texts) -> None:
        self._project = project
        self._texts = texts

    @abstractmethod
    def picture(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """[rows, heads, tokens of the picture, dim], what the picture's queries attend to."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        image_rotary_emb: Any = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        query, key, value = self._project(attn, hidden_states, encoder_hidden_states, image_rotary_emb)
        split, tokens = self._texts.split, self._texts.tokens
        first = self._attended(query[:, :, :split], key, value, 0, split)
        second = self._attended(query[:, :, split:tokens], key, value, split, tokens)
        seen = self.picture(query[:, :, tokens:], key, value).to(value.dtype)
        answer = torch.cat([first, second, seen], 2).transpose(1, 2).flatten(2)
        if encoder_hidden_states is None:
            return answer
        text, picture = answer[:, :tokens], attn.to_out[1](attn.to_out[0](answer[:, tokens:]))
        return picture, text if attn.context_pre_only else attn.to_add_out(text)

    def _attended(self, query: Tensor, key: Tensor, value: Tensor, start: int, stop: int) -> Tensor:
        """What queries make of one text and of the picture."""
        tokens = self._texts.tokens
        keys, values = (torch.cat([x[:, :, start:stop], x[:, :, tokens:]], 2) for x in (key, value))
        return scaled_dot_product_attention(query, keys, values, self._texts.scores(key, start, stop))


@final
class JointProcessor(_Joint):
    """The picture attends to itself and the first text, some of whose tokens have little attention."""

    def picture(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return self._attended(query, key, value, 0, self._texts.split)


@final
class JointMixingProcessor(_Joint):
    """The picture attends to itself with either text, and what comes of both is mixed, a patch a row."""

    def __init__(self, project: Projection, texts: _Texts, patches: Sequence[MixedAttention]) -> None:
        super().__init__(project, texts)
        self._rows = {patch: [i for i, other in enumerate(patches) if other == patch] for patch in patches}

    def picture(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        split, tokens = self._texts.split, self._texts.tokens
        positive, negative = (
            self._attended(query, key, value, start, stop).transpose(1, 2).float()
            for start, stop in ((0, split), (split, tokens))
        )
        mixed = torch.empty_like(positive)
        for patch, rows in self._rows.items():
            mixed[rows] = patch.mix(positive[rows], negative[rows])
        return mixed.transpose(1, 2)


@final
class JointSignFlipProcessor(_Joint):
    """The picture attends to itself, the first text, and the words of the second with their values' sign
    turned.

    Args:
        words: [rows, tokens] in [0, 1] of the second text, how much of a word stands there.
    """

    def __init__(
        self, project: Projection, texts: _Texts, patches: Sequence[FlippedValues], words: Tensor
    ) -> None:
        super().__init__(project, texts)

        def each(name: str) -> Tensor:
            return torch.tensor([getattr(patch, name) for patch in patches], device=words.device)[:, None]

        self._scores = words.to(torch.float32).log() - each("bias")
        self._factors = -each("weight").expand_as(words).to(torch.float32)

    def picture(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        split, tokens = self._texts.split, self._texts.tokens
        scores = self._texts.scores(key, 0, tokens)
        if scores is None:
            scores = key.new_zeros(key.shape[0], 1, 1, key.shape[2])
        scores[..., split:tokens] += self._scores.to(key.dtype)[:, None, None]
        flipped = value.clone()
        flipped[:, :, split:tokens] *= self._factors.to(value.dtype)[:, None, :, None]
        return scaled_dot_product_attention(query, key, flipped, attn_mask=scores)


def without_positions(attn: Any, picture: Tensor, text: Tensor | None, _: Any) -> Projected:
    """Queries, keys and values of a joint attention without positions, as in SD3."""
    assert text is not None
    made = [layer(text) for layer in (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj)]
    seen = [layer(picture) for layer in (attn.to_q, attn.to_k, attn.to_v)]
    made, seen = ([x.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for x in part] for part in (made, seen))
    made[:2] = _normed(made, attn.norm_added_q, attn.norm_added_k)
    seen[:2] = _normed(seen, attn.norm_q, attn.norm_k)
    query, key, value = (torch.cat(pair, 2) for pair in zip(made, seen, strict=True))
    return query, key, value


def with_rotary_positions(attn: Any, picture: Tensor, text: Tensor | None, positions: Any) -> Projected:
    """The same with rotary positions, as in FLUX; in its single blocks text and picture come as one."""
    from diffusers.models.embeddings import apply_rotary_emb

    seen = [layer(picture) for layer in (attn.to_q, attn.to_k, attn.to_v)]
    seen = [x.unflatten(-1, (-1, attn.head_dim)) for x in seen]
    seen[:2] = _normed(seen, attn.norm_q, attn.norm_k)
    if text is not None:
        made = [layer(text) for layer in (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj)]
        made = [x.unflatten(-1, (-1, attn.head_dim)) for x in made]
        made[:2] = _normed(made, attn.norm_added_q, attn.norm_added_k)
        seen = [torch.cat(pair, 1) for pair in zip(made, seen, strict=True)]
    query, key = (apply_rotary_emb(x, positions, sequence_dim=1) for x in seen[:2])
    return query.transpose(1, 2), key.transpose(1, 2), seen[2].transpose(1, 2)  # type: ignore[union-attr]


def _normed(made: Sequence[Tensor], query: Any, key: Any) -> list[Tensor]:
    """Queries and keys through their norms, where there are such."""
    return [x if norm is None else norm(x) for x, norm in zip(made[:2], (query, key), strict=True)]
