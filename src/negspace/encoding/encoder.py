"""One tokenizer with its text model as an encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import torch
from torch import Tensor

from negspace.encoding.base import Encoder, given, texts_of
from negspace.encoding.conditioning import Conditioning, EncoderReport
from negspace.encoding.fingerprint import fingerprint
from negspace.encoding.inversion import Embedding, tables_for
from negspace.encoding.presence import layers, mixed, presence
from negspace.encoding.reading import ReadChunk, TokenReader
from negspace.encoding.structure import encode_structure
from negspace.encoding.text_model import TextModel
from negspace.encoding.weighting import WeightedWindow, Weighting, find_weighting
from negspace.encoding.windows import Piece, TokenWindow, fill
from negspace.errors import EncodingError
from negspace.facts import EncoderFacts, TextEncoderLayer
from negspace.findings import Finding
from negspace.prompt.omission import running_text, without
from negspace.prompt.tree import Blend, Chunk, Conjunction, Passage, Prompt

_Value = TypeVar("_Value", float, int)


class TextEncoder(Encoder):
    """One tokenizer with its text model.

    The model's weights must not change while it is in use: its fingerprint is taken once.

    Args:
        tokenizer: a fast tokenizer of transformers (CLIPTokenizer, T5Tokenizer and so on).
        model: CLIPTextModel, CLIPTextModelWithProjection, T5EncoderModel or alike, in evaluation mode.
        facts: its windows and known words.
        layer: which of its results the diffusion model reads; by default the last one, and for a language
            model the text as it was written.
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
        layer: TextEncoderLayer | None = None,
        vectors: Mapping[str, Tensor] | None = None,
        backtrack: int = 20,
    ) -> None:
        self.facts = facts or EncoderFacts()
        self.layer = layer or TextEncoderLayer(text="source" if self.facts.kind == "llm" else "chunks")
        self.vectors = dict(vectors or {})
        self.backtrack = backtrack
        self._tokenizer = tokenizer
        self._model = TextModel(self.facts.name, model, self.layer)
        around = (self.layer.before, self.layer.after)
        self._reader = TokenReader(tokenizer, self.vectors, self.facts.words, around)
        instruction = self.layer.instruction.rstrip(" ")
        self._instruction = self._reader.template_ids(instruction)
        self._separator = self.layer.instruction[len(instruction) :]
        self._check()

    def _check(self) -> None:
        name, room = self.facts.name, self.facts.window - len(self._reader.begin) - len(self._reader.end)
        if not 0 < self.facts.chunk <= room:
            raise EncodingError(f"{name}: a window holds {room} tokens of text, not {self.facts.chunk}")
        for word, rows in self.vectors.items():
            if rows.ndim != 2 or rows.shape[1] != self._model.width:
                raise EncodingError(
                    f"embedding {word!r} has vectors of {rows.shape[-1]}, but {name} reads vectors of "
                    f"{self._model.width}: it was made for another model"
                )
            if not 0 < len(rows) <= self.facts.chunk:
                raise EncodingError(
                    f"embedding {word!r} has {len(rows)} vectors, but {name} reads 1 to {self.facts.chunk}"
                )

    @property
    def text_count(self) -> int:
        return 1

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        facts = (self.facts, self.layer, self.backtrack, sorted(self.vectors.items()))
        return fingerprint(self._model.model, self._reader.vocabulary, *facts)

    def with_embeddings(self, embeddings: Sequence[Embedding]) -> "TextEncoder":
        vectors = {embedding.name: tables_for(embedding, 1)[0] for embedding in embeddings}
        return TextEncoder(
            self._tokenizer, self._model.model, self.facts, self.layer, vectors, self.backtrack
        )

    def with_model(self, model: Any) -> "TextEncoder":
        """The same encoder with another text model of the same kind."""
        return TextEncoder(self._tokenizer, model, self.facts, self.layer, self.vectors, self.backtrack)

    def instructed(self, instruction: str) -> "TextEncoder":
        """The same encoder, with another instruction before every text."""
        layer = replace(self.layer, instruction=instruction)
        return TextEncoder(
            self._tokenizer, self._model.model, self.facts, layer, self.vectors, self.backtrack
        )

    @cached_property
    def _empty(self) -> Conditioning:
        hidden, pooled = self._encode_window(())
        report = EncoderReport(self.facts.name, 1, ())
        return Conditioning(hidden, pooled, 1, hidden, tokens=(report,), given="empty", mask=self._mask([()]))

    def empty(self) -> Conditioning:
        return self._empty

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        rule = find_weighting(weighting)
        (prompt,) = texts_of(self, prompt, others)
        if self._has_structure(prompt):
            return encode_structure(self, prompt, weighting)
        if self.layer.text != "chunks":
            return self._encode_chunks(prompt, *self._running_text(prompt), rule)
        shares = [
            1.0 if chunk.kind == "break" else presence(chunk.weight, weighting) for chunk in prompt.chunks
        ]
        read = ((share, self._read(prompt, present)) for share, present in layers(shares))
        return mixed([(share, self._encode_chunks(prompt, *texts, rule)) for share, texts in read])

    def _encode_chunks(
        self, prompt: Prompt, text: str, read: Sequence[ReadChunk | None], rule: Weighting
    ) -> Conditioning:
        main, negative_windows = self._windows(read)
        windows = [*main, *negative_windows]
        answers, summaries = zip(*(self._encode_window(window) for window in windows), strict=True)
        first = next((i for i, window in enumerate(main) if window), 0)
        report = self._report(prompt, read, windows)
        weighted = [self._weigh(*pair, rule, prompt) for pair in zip(windows, answers, strict=True)]
        return Conditioning(
            hidden=torch.cat(weighted),
            pooled=summaries[first],
            windows=len(windows),
            empty=self._empty.hidden,
            negative_windows=len(negative_windows),
            value_scale=self._value_scale(main, negative_windows),
            tokens=(report,),
            findings=self._findings(report),
            given=given(text),
            mask=self._mask(windows),
        )

    def _has_structure(self, prompt: Prompt) -> bool:
        """Whether the prompt has a structure for this encoder; plain `and`s are one running text.

        Raises:
            EncodingError: it has one that this encoder cannot carry out.
        """
        if self.facts.kind == "clip" or prompt.structure is None:
            return prompt.structure is not None
        match prompt.structure:
            case Conjunction(weights=weights) if set(weights) != {1.0}:
                refused = "cannot weigh parts of and(); weigh their words"
            case Blend() if self.layer.padding == "masked":
                refused = "cannot mix the parts of blend(); write one text"
            case Passage() if self.layer.text != "chunks":
                refused = "cannot exchange the maps of swap(); write a schedule"
            case _:
                return not isinstance(prompt.structure, Conjunction)
        raise EncodingError(f"{self.facts.name} reads running text and {refused}")

    def _running_text(self, prompt: Prompt) -> tuple[str, list[ReadChunk | None]]:
        """All words as one text, and its tokens."""
        text = running_text(prompt)
        text = text if self.layer.text == "source" else text.lower().strip()
        whole = Chunk(self._separator + text, 1.0, (0, len(prompt.source)))
        return text, [self._reader.read(whole, whole.text, 0)]

    def _read(self, prompt: Prompt, present: Sequence[bool]) -> tuple[str, list[ReadChunk | None]]:
        """The words that are present, and their tokens; those with negative weights as texts of their own."""
        apart = [self.facts.kind == "clip" and chunk.weight < 0 for chunk in prompt.chunks]
        omitted = [away or not here for away, here in zip(apart, present, strict=True)]
        kept = without(prompt.chunks, omitted)
        texts = [
            chunk.text if away and here else around.text
            for chunk, away, here, around in zip(prompt.chunks, apart, present, kept, strict=True)
        ]
        read = [
            None if chunk.kind == "break" else self._reader.read(chunk, text, index)
            for index, (chunk, text) in enumerate(zip(prompt.chunks, texts, strict=True))
        ]
        return "".join(texts), read

    def _windows(self, read: Sequence[ReadChunk | None]) -> tuple[list[TokenWindow], list[TokenWindow]]:
        """The windows of the text, and separate windows of the words with negative weights."""
        chunk = self.facts.chunk
        if self.facts.kind == "llm":  # one window of running text; what does not fit is reported as cut
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
        negative_windows = fill([negative], chunk, comma, self.backtrack) if negative else []
        return fill(sections, chunk, comma, self.backtrack), negative_windows

    def _encode_window(self, window: TokenWindow, keep: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        reader = self._reader
        placeholder = 0 if 0 not in reader.end else 1  # stands where a vector is placed; no end mark
        text = [token.id if token.vector is None else placeholder for token in window]
        begin, unheard = len(reader.begin), len(self._instruction)
        ids = [*reader.begin, *self._instruction, *text, *reader.end]
        ids += [reader.pad] * (self.facts.window + unheard - len(ids))
        vectors = {
            begin + unheard + i: token.vector for i, token in enumerate(window) if token.vector is not None
        }
        if (mask := self._mask([window])) is not None:
            keep = mask.long() if keep is None else keep * mask.long()
        if keep is not None and unheard:
            keep = torch.cat([keep[:begin], keep.new_ones(unheard), keep[begin:]])
        hidden, pooled = self._model.encode_window(ids, vectors, keep)
        return (torch.cat([hidden[:begin], hidden[begin + unheard :]]) if unheard else hidden), pooled

    def _mask(self, windows: Sequence[TokenWindow]) -> Tensor | None:
        """[tokens] bool, the tokens of the text with begin and end; None where the padding is read too."""
        if self.layer.padding == "read":
            return None
        fixed = len(self._reader.begin) + len(self._reader.end)
        rows = [[i < fixed + len(window) for i in range(self.facts.window)] for window in windows]
        return torch.tensor(rows, device=self._model.device).flatten()

    def _weigh(self, window: TokenWindow, hidden: Tensor, rule: Weighting, prompt: Prompt) -> Tensor:
        """[window, dim]: the model's result with the weights; without weights exactly that result."""
        if all(abs(token.weight) == 1 for token in window):
            return hidden
        weights = self._per_token([abs(token.weight) for token in window], 1.0)
        fragments = self._per_token([token.chunk for token in window], -1)
        weighted = WeightedWindow(
            hidden.float(),
            self._empty.hidden.float(),
            torch.tensor(weights, device=hidden.device),
            torch.tensor(fragments, device=hidden.device),
            lambda keep: self._encode_window(window, keep)[0].float(),
        )
        result = rule(weighted).to(hidden.dtype)
        if not bool(result.isfinite().all()):
            largest = prompt.chunks[max(window, key=lambda token: abs(token.weight)).chunk]
            raise EncodingError(
                f"the weight {largest.weight:g} of {largest.text[:40]!r} (characters {largest.span[0]} to "
                f"{largest.span[1]}) is too large for {self.facts.name} in {hidden.dtype}"
            )
        return result

    def _value_scale(self, main: list[TokenWindow], negative_windows: list[TokenWindow]) -> Tensor | None:
        """[tokens], or None where every value keeps its sign."""
        rows = [
            self._per_token([-1.0 if token.weight < 0 else 1.0 for token in window], 1.0) for window in main
        ]
        begin = len(self._reader.begin)
        # End token and padding of such a window sum up its words, so they push too. Its begin token does not.
        rows += [[1.0] * begin + [-1.0] * (self.facts.window - begin) for _ in negative_windows]
        scale = torch.tensor(rows, device=self._empty.hidden.device).flatten()
        return scale if bool((scale < 0).any()) else None

    def _per_token(self, values: list[_Value], other: _Value) -> list[_Value]:
        """One value per token of a whole window: `values` for the text, `other` for the rest."""
        begin = len(self._reader.begin)
        return [other] * begin + values + [other] * (self.facts.window - begin - len(values))

    def _report(
        self, prompt: Prompt, read: Sequence[ReadChunk | None], windows: list[TokenWindow]
    ) -> EncoderReport:
        places: dict[int, int] = {}  # token's identity -> its row in hidden
        for number, window in enumerate(windows):
            first = number * self.facts.window + len(self._reader.begin)
            places.update({id(token): first + i for i, token in enumerate(window)})
        chunks = tuple(self._reader.report(part, prompt.source, places) for part in read if part is not None)
        return EncoderReport(self.facts.name, len(windows), chunks)

    def _findings(self, report: EncoderReport) -> tuple[Finding, ...]:
        lost = [word for chunk in report.chunks for word in chunk.words if word.cut]
        lost_tokens = sum(place < 0 for chunk in report.chunks for place in chunk.places)
        if not lost_tokens:
            return ()
        words = " ".join(word.text for word in lost) or "punctuation"
        text = f"{report.encoder} reads {self.facts.chunk} tokens; {lost_tokens} more were cut: {words}"
        return (Finding("cut-words", text, (lost[0].span[0], lost[-1].span[1]) if lost else None),)
