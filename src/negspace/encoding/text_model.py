"""A text model of transformers that encodes one window at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import get_ident
from typing import Any

import torch
from torch import Tensor

from negspace.errors import EncodingError
from negspace.facts import TextEncoderLayer


class TextModel:
    """A text model, and which of its results is used.

    Args:
        name: in error messages.
        model: a text model of transformers, in evaluation mode.
        layer: which of its results is used.

    Raises:
        EncodingError: the model is in training mode.
    """

    def __init__(self, name: str, model: Any, layer: TextEncoderLayer) -> None:
        if model.training:
            raise EncodingError(f"{name} is in training mode, where no result repeats; call model.eval()")
        self.name = name
        self.model = model
        self.layer = layer
        self._embeddings: torch.nn.Embedding = model.get_input_embeddings()

    @property
    def width(self) -> int:
        """Length of the vectors the model has for its tokens."""
        return self._embeddings.weight.shape[1]

    @property
    def device(self) -> torch.device:
        """Where the model lives."""
        return self._embeddings.weight.device

    def encode_window(
        self, ids: Sequence[int], vectors: Mapping[int, Tensor], keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """Encode one window alone, so that no text depends on another.

        Args:
            ids: the window's tokens, special tokens and padding included.
            vectors: by position, [width] each, in place of the token there.
            keep: [window] int, 0 for tokens that the model may not attend to; None is all.

        Returns:
            hidden [window, dim], and pooled [dim] or None.
        """
        device = self._embeddings.weight.device
        with torch.no_grad(), self._replaced(vectors):
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
    def _replaced(self, vectors: Mapping[int, Tensor]) -> Iterator[None]:
        """Within this context, and in this thread, the vectors replace the embeddings of their tokens."""
        if not vectors:
            yield
            return
        thread = get_ident()

        def replace(_: torch.nn.Module, __: object, embedded: Tensor) -> Tensor:
            if get_ident() != thread:  # another thread uses the same model
                return embedded
            embedded = embedded.clone()
            for position, vector in vectors.items():
                embedded[0, position] = vector.to(embedded)
            return embedded

        handle = self._embeddings.register_forward_hook(replace)
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
        norms = [module for name, module in named if name.rpartition(".")[2] == "final_layer_norm"]
        if len(norms) != 1:
            raise EncodingError(f"{self.name} has {len(norms)} final layer norms, so no layer can be skipped")
        return norms[0]

    def _pooled(self, output: Any) -> Tensor | None:
        if self.layer.pooled == "none":
            return None
        key = "pooler_output" if self.layer.pooled == "eos" else "text_embeds"
        pooled = output.get(key)
        if pooled is None:
            raise EncodingError(
                f"{self.name} is a {type(self.model).__name__}, which gives no {key}; "
                "CLIPTextModelWithProjection gives a projected summary, CLIPTextModel that of the end token"
            )
        return pooled[0]
