"""One text encoder: Prompt → Conditioning."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import torch
from torch import Tensor

from negspace.encoding.conditioning import Conditioning, EncoderReport, Given
from negspace.encoding.fingerprint import fingerprint
from negspace.encoding.reading import ReadChunk, Reader
from negspace.encoding.weighting import Weighed, Weighting, find_weighting
from negspace.encoding.windows import Piece, Window, fill
from negspace.errors import EncodingError
from negspace.facts import EncoderFacts
from negspace.findings import Finding

if TYPE_CHECKING:
    from negspace.prompt import Prompt

_Value = TypeVar("_Value", float, int)


@dataclass(frozen=True)
class Layer:
    """Which of an encoder's answers a model was trained on.

    Attributes:
        skip: how many of the last layers are left out ("clip skip" n of AUTOMATIC1111 is skip n - 1).
        norm: whether the encoder's final layer norm follows ("final") or not ("none").
        pooled: the summary vector: none, the state at the end mark ("eos"), or that projected ("projected").
        text: "chunks" reads weighted chunks; "source" reads the text as it was written, every bracket
            literal.
    """

    skip: int = 0
    norm: Literal["final", "none"] = "final"
    pooled: Literal["none", "eos", "projected"] = "none"
    text: Literal["chunks", "source"] = "chunks"


class Encoder(ABC):
    """Whatever turns prompts into conditioning: one encoder, several, or one behind a cache."""

    @property
    @abstractmethod
    def texts(self) -> int:
        """How many texts it can read at once, one per encoder."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two encoders only if they encode every prompt alike."""

    @abstractmethod
    def encode(
        self, prompt: "Prompt", weighting: str = "a1111", others: Sequence["Prompt | None"] = ()
    ) -> Conditioning:
        """The conditioning of a prompt.

        Args:
            prompt: what the first encoder reads, and every other that `others` does not name.
            weighting: a name in `WEIGHTINGS`.
            others: texts of the second encoder, the third and so on; None reads `prompt`.

        Raises:
            EncodingError: the weighting is unknown, or there are more texts than encoders.
        """

    @abstractmethod
    def empty(self) -> Conditioning:
        """The conditioning of the empty text, one window long."""


class TextEncoder(Encoder):
    """One tokenizer with its text model.

    Its weights must not change while it is in use (its fingerprint is taken once); after a change make a new
    one.

    Args:
        tokenizer: a fast tokenizer of transformers (CLIPTokenizer, T5Tokenizer and so on).
        model: CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel or alike, in evaluation mode.
        facts: its windows and known words.
        layer: which of its answers the diffusion model reads.
        vectors: textual-inversion embeddings by name, each [vectors, dim].
        backtrack: how many tokens back a full window may be broken at a comma.

    Raises:
        EncodingError: the facts do not fit the tokenizer, the model is in training mode, or an embedding does
            not fit.
    """

    def __init__(
        self,
        tokenizer: Any,
        model: Any,
        facts: EncoderFacts | None = None,
        layer: Layer | None = None,
        vectors: Mapping[str, Tensor] | None = None,
        backtrack: int = 20,
    ) -> None:
        self.facts = facts or EncoderFacts()
        self.layer = layer or Layer(text="source" if self.facts.kind == "llm" else "chunks")
        self.vectors = dict(vectors or {})
        self.backtrack = backtrack
        self._model = model
        self._reader = Reader(tokenizer, self.vectors, self.facts.words)
        self._entries: torch.nn.Embedding = model.get_input_embeddings()
        self._lock = Lock()  # embeddings are placed by a hook on the model, one call at a time
        self._check()

    def _check(self) -> None:
        name, marks = self.facts.name, len(self._reader.begin) + len(self._reader.end)
        if self.facts.chunk + marks > self.facts.window:
            raise EncodingError(
                f"{name}: {self.facts.chunk} tokens and {marks} marks pass a window of {self.facts.window}"
            )
        if self._model.training:
            raise EncodingError(f"{name} is in training mode, where no answer repeats; call model.eval()")
        entry = self._entries.weight.shape[1]
        for word, rows in self.vectors.items():
            if rows.ndim != 2 or rows.shape[1] != entry:
                raise EncodingError(
                    f"embedding {word!r} has vectors of {rows.shape[-1]}, {name} reads vectors of {entry}: "
                    "it was made for another model"
                )
            if not 0 < len(rows) <= self.facts.chunk:
                raise EncodingError(
                    f"embedding {word!r} has {len(rows)} vectors; {name} reads at most {self.facts.chunk}"
                )

    @property
    def texts(self) -> int:
        return 1

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        facts = (self.facts, self.layer, self.backtrack, sorted(self.vectors.items()))
        return fingerprint(self._model, self._reader.vocabulary, *facts)

    @cached_property
    def _empty(self) -> Tensor:
        return self._answer(())[0]

    def empty(self) -> Conditioning:
        hidden, pooled = self._answer(())
        report = EncoderReport(self.facts.name, 1, ())
        return Conditioning(hidden, pooled, 1, hidden, tokens=(report,), given="empty")

    def encode(
        self, prompt: "Prompt", weighting: str = "a1111", others: Sequence["Prompt | None"] = ()
    ) -> Conditioning:
        refuse_more_texts(self, others)
        rule = find_weighting(weighting)
        read = self._read(prompt)
        main, flipped = self._windows(read)
        windows = [*main, *flipped]
        _, pooled = self._answer(next((window for window in main if window), main[0]))
        chunks = [chunk for chunk in read if chunk is not None]
        seen = [token for window in windows for token in window]
        report = EncoderReport(
            self.facts.name,
            len(windows),
            tuple(self._reader.report(chunk, prompt.source, seen) for chunk in chunks),
        )
        return Conditioning(
            hidden=torch.cat([self._weighed(window, rule) for window in windows]),
            pooled=pooled,
            windows=len(windows),
            empty=self._empty,
            flipped=len(flipped),
            value_scale=self._value_scale(main, flipped),
            tokens=(report,),
            findings=self._findings(report),
            given=given(prompt.source),
        )

    def _read(self, prompt: "Prompt") -> list[ReadChunk | None]:
        if self.layer.text == "source":
            return [self._reader.read_text(prompt.source, 1.0, (0, len(prompt.source)))]
        return self._reader.read(prompt)

    def _windows(self, read: list[ReadChunk | None]) -> tuple[list[Window], list[Window]]:
        """The windows of the text, and those of the words with negative weights, which are told apart from
        it."""
        chunk = self.facts.chunk
        if self.facts.kind == "llm":  # one window, read as running text; what does not fit is reported as cut
            tokens = [token for part in read if part for piece in part.pieces for token in piece]
            return [tuple(tokens[:chunk])], []
        sections: list[list[Piece]] = [[]]
        negative: list[Piece] = []
        for part in read:
            if part is None:
                sections.append([])
            else:
                (negative if part.weight < 0 else sections[-1]).extend(part.pieces)
        comma = self._reader.comma
        flipped = fill([negative], chunk, comma, self.backtrack) if negative else []
        return fill(sections, chunk, comma, self.backtrack), flipped

    def _weighed(self, window: Window, rule: Weighting) -> Tensor:
        """[window, dim]: a window's encoding with its weights; without weights exactly what the model
        answers."""
        hidden, _ = self._answer(window)
        if all(abs(token.weight) == 1 for token in window):
            return hidden
        weights = self._spread([abs(token.weight) for token in window], 1.0)
        fragments = self._spread([token.chunk for token in window], -1)
        weighed = Weighed(
            hidden.float(),
            self._empty.float(),
            torch.tensor(weights, device=hidden.device),
            torch.tensor(fragments, device=hidden.device),
            lambda keep: self._answer(window, keep)[0].float(),
        )
        return rule(weighed).to(hidden.dtype)

    def _value_scale(self, main: list[Window], flipped: list[Window]) -> Tensor | None:
        rows = [self._spread([-1.0 if token.weight < 0 else 1.0 for token in window], 1.0) for window in main]
        begin = len(self._reader.begin)
        # End mark and padding of such a window sum up its words, so they push away too; the begin mark sees
        # nothing.
        rows += [[1.0] * begin + [-1.0] * (self.facts.window - begin) for _ in flipped]
        scale = torch.tensor(rows, device=self._empty.device).flatten()
        return scale if bool((scale != 1).any()) else None

    def _spread(self, values: list[_Value], other: _Value) -> list[_Value]:
        """One value per token of a whole window: `values` for the text, `other` for begin, end and
        padding."""
        begin = len(self._reader.begin)
        return [other] * begin + values + [other] * (self.facts.window - begin - len(values))

    def _findings(self, report: EncoderReport) -> tuple[Finding, ...]:
        lost = [word for chunk in report.chunks for word in chunk.words if word.cut]
        if not lost:
            return ()
        words = " ".join(word.text for word in lost)
        text = f"{report.encoder} reads {self.facts.chunk} tokens; {len(lost)} words were cut: {words}"
        return (Finding("cut-words", text, (lost[0].span[0], lost[-1].span[1])),)

    def _answer(self, window: Window, keep: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """([window, dim], [dim] or None) for one window alone, so that no text depends on another.

        Args:
            window: its tokens.
            keep: [window] int, 0 for tokens the model may not look at; None is all.
        """
        end = list(self._reader.end)
        placeholder = 0 if 0 not in end else 1  # must not look like an end mark
        text = [token.id if token.vector is None else placeholder for token in window]
        ids = [*self._reader.begin, *text, *end]
        ids += [self._reader.pad] * (self.facts.window - len(ids))
        device = self._entries.weight.device
        mask = None if keep is None else keep[None].to(device)
        with torch.no_grad(), self._lock, self._placed(window):
            output = self._model(
                torch.tensor([ids], device=device),
                attention_mask=mask,
                output_hidden_states=True,
                return_dict=True,
            )
        return self._hidden(output)[0], self._pooled(output)

    @contextmanager
    def _placed(self, window: Window) -> Iterator[None]:
        """While this lasts, the model's token entries are replaced by the vectors of the window's
        embeddings."""
        begin = len(self._reader.begin)
        rows = {begin + i: token.vector for i, token in enumerate(window) if token.vector is not None}

        def place(_: torch.nn.Module, __: object, entries: Tensor) -> Tensor:
            entries = entries.clone()
            for position, row in rows.items():
                entries[0, position] = row.to(entries)
            return entries

        if not rows:
            yield
            return
        handle = self._entries.register_forward_hook(place)
        try:
            yield
        finally:
            handle.remove()

    def _hidden(self, output: Any) -> Tensor:
        if self.layer.skip == 0 and self.layer.norm == "final":
            return output.last_hidden_state
        layers = output.hidden_states
        if not 0 <= self.layer.skip < len(layers) - 1:
            raise EncodingError(
                f"{self.facts.name} has {len(layers) - 1} layers and cannot skip {self.layer.skip}"
            )
        hidden = layers[-1 - self.layer.skip]
        return hidden if self.layer.norm == "none" else self._norm(hidden)

    @cached_property
    def _norm(self) -> torch.nn.Module:
        named = self._model.named_modules()
        found = [module for name, module in named if name.rpartition(".")[2] == "final_layer_norm"]
        if len(found) != 1:
            raise EncodingError(
                f"{self.facts.name} has {len(found)} final layer norms, so none can be skipped"
            )
        return found[0]

    def _pooled(self, output: Any) -> Tensor | None:
        if self.layer.pooled == "none":
            return None
        key = "pooler_output" if self.layer.pooled == "eos" else "text_embeds"
        pooled = output.get(key)
        if pooled is None:
            raise EncodingError(
                f"{self.facts.name} is a {type(self._model).__name__}, which gives no {key}; "
                "a projected summary needs CLIPTextModelWithProjection"
            )
        return pooled[0]


def given(source: str) -> Given:
    """Whether a text is empty, blank or says something."""
    return "text" if source.strip() else "blank" if source else "empty"


def refuse_more_texts(encoder: Encoder, others: Sequence["Prompt | None"]) -> None:
    """Raise EncodingError if there are more texts than the encoder can read."""
    told = sum(1 for other in others if other is not None)
    if len(others) >= encoder.texts and told:
        count = encoder.texts
        raise EncodingError(
            f"this model has {count} text encoder(s); nothing reads the text for number {len(others) + 1}"
        )
