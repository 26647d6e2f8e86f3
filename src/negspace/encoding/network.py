"""A text model of transformers, asked one window at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import get_ident
from typing import Any, Literal

import torch
from torch import Tensor

from negspace.errors import EncodingError


@dataclass(frozen=True)
class Layer:
    """Which of a text model's answers a diffusion model was trained on.

    Attributes:
        skip: how many of the last layers are left out ("clip skip" n of AUTOMATIC1111 is skip n - 1).
        norm: whether the text model's final layer norm follows ("final") or not ("none").
        pooled: the summary vector: none, the state at the end mark ("eos"), or that projected ("projected").
        padding: "read" has text model and network look at the padding too, "masked" keeps both from it.
        text: "chunks" reads chunks with weights; "source" the text as written, every bracket literal;
            "lowered" the same in lower case, without blanks around it.
        before, after: what stands around every text, marks included, as in a chat; None is the tokenizer's
            own begin and end mark.
        instruction: what the text model reads between `before` and every text and the network is not told. A
            blank at its end is read with the text's first word.
    """

    skip: int = 0
    norm: Literal["final", "none"] = "final"
    pooled: Literal["none", "eos", "projected"] = "none"
    padding: Literal["read", "masked"] = "read"
    text: Literal["chunks", "source", "lowered"] = "chunks"
    before: str | None = None
    after: str | None = None
    instruction: str = ""


class Network:
    """Asks a text model.

    Args:
        name: how errors call it.
        model: a text model of transformers, in evaluation mode.
        layer: which of its answers is wanted.

    Raises:
        EncodingError: the model is in training mode.
    """

    def __init__(self, name: str, model: Any, layer: Layer) -> None:
        if model.training:
            raise EncodingError(f"{name} is in training mode, where no answer repeats; call model.eval()")
        self.name = name
        self.model = model
        self.layer = layer
        self._entries: torch.nn.Embedding = model.get_input_embeddings()

    @property
    def width(self) -> int:
        """Length of the vectors the model has for its tokens."""
        return self._entries.weight.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return self._entries.weight.device

    def answer(
        self, ids: Sequence[int], vectors: Mapping[int, Tensor], keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """What the model makes of one window alone, so that no text depends on another.

        Args:
            ids: the window's tokens, marks and padding included.
            vectors: by position, [width] each: what stands there in place of the token.
            keep: [window] int, 0 for tokens the model may not look at; None is all.

        Returns:
            hidden [window, dim], and pooled [dim] or None.
        """
        device = self._entries.weight.device
        with torch.no_grad(), self._placed(vectors):
            output = self.model(
                torch.tensor([ids], device=device),
                attention_mask=None if keep is None else keep[None].to(device),
                output_hidden_states=not self._reads_last,
                return_dict=True,
            )
            return self._hidden(output)[0], self._pooled(output)

    @property
    def _reads_last(self) -> bool:
        return self.layer.skip == 0 and self.layer.norm == "final"

    @contextmanager
    def _placed(self, vectors: Mapping[int, Tensor]) -> Iterator[None]:
        """While this lasts, this thread finds the vectors among the entries of its tokens."""
        if not vectors:
            yield
            return
        thread = get_ident()

        def place(_: torch.nn.Module, __: object, entries: Tensor) -> Tensor:
            if get_ident() != thread:  # another thread is asking the same model something else
                return entries
            entries = entries.clone()
            for position, vector in vectors.items():
                entries[0, position] = vector.to(entries)
            return entries

        handle = self._entries.register_forward_hook(place)
        try:
            yield
        finally:
            handle.remove()

    def _hidden(self, output: Any) -> Tensor:
        if self._reads_last:
            return output.last_hidden_state
        states = output.hidden_states
        if not 0 <= self.layer.skip < len(states) - 1:
            raise EncodingError(f"{self.name} has {len(states) - 1} layers and cannot skip {self.layer.skip}")
        hidden = states[-1 - self.layer.skip]
        return hidden if self.layer.norm == "none" else self._norm(hidden)

    @cached_property
    def _norm(self) -> torch.nn.Module:
        named = self.model.named_modules()
        found = [module for name, module in named if name.rpartition(".")[2] == "final_layer_norm"]
        if len(found) != 1:
            raise EncodingError(f"{self.name} has {len(found)} final layer norms, so no layer can be skipped")
        return found[0]

    def _pooled(self, output: Any) -> Tensor | None:
        if self.layer.pooled == "none":
            return None
        key = "pooler_output" if self.layer.pooled == "eos" else "text_embeds"
        pooled = output.get(key)
        if pooled is None:
            raise EncodingError(
                f"{self.name} is a {type(self.model).__name__}, which gives no {key}; "
                "CLIPTextModelWithProjection gives a projected summary, CLIPTextModel that of the end mark"
            )
        return pooled[0]
