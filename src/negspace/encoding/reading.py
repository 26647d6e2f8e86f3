"""Prompts become tokens: which token belongs to which word, and whether the encoder knows the word."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from torch import Tensor

from negspace.encoding.conditioning import ChunkReport, WordReport
from negspace.encoding.windows import Piece, Token
from negspace.errors import EncodingError
from negspace.prompt.reading import embedding_pattern
from negspace.prompt.tree import Chunk

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    end: int
    name: str | None = None  # of the embedding it stands for


@dataclass(frozen=True)
class ReadChunk:
    """One chunk: its words, and its tokens in pieces that stay together."""

    text: str
    weight: float
    span: tuple[int, int]
    words: tuple[_Word, ...]
    pieces: tuple[Piece, ...]


class TokenReader:
    """Reads chunks with one tokenizer.

    Args:
        tokenizer: a fast tokenizer of transformers.
        vectors: embeddings by name, each [vectors, dim].
        words: the words the encoder has learned, lower case; None where nobody knows.
        around: what stands before and after every text, special tokens included; None is the tokenizer's own
            begin and end token.

    Raises:
        EncodingError: the tokenizer does not give the places of its tokens in a text.
    """

    def __init__(
        self,
        tokenizer: Any,
        vectors: Mapping[str, Tensor],
        words: frozenset[str] | None,
        around: tuple[str | None, str | None] = (None, None),
    ) -> None:
        if not tokenizer.is_fast:
            raise EncodingError(
                f"{type(tokenizer).__name__} does not give the places of its tokens; use its fast variant"
            )
        before, after = around
        own = tokenizer.bos_token_id, tokenizer.eos_token_id
        self._tokenizer = tokenizer
        self.begin = _present(own[0]) if before is None else self.template_ids(before)
        self.end = _present(own[1]) if after is None else self.template_ids(after)
        pad: int | None = tokenizer.pad_token_id
        self.pad = pad if pad is not None else self.end[0]
        self._unknown: int | None = tokenizer.unk_token_id
        self._lock = Lock()  # a fast tokenizer keeps its settings in itself and is not safe between threads
        self._vectors = {name.lower(): rows for name, rows in vectors.items()}
        self._names = embedding_pattern(self._vectors)
        self._words = words
        comma = self._ids(",")[0]
        self.comma = comma[0] if len(comma) == 1 and comma[0] != self._unknown else None

    @property
    def vocabulary(self) -> dict[str, int]:
        """Every token's id."""
        return self._tokenizer.get_vocab()

    def template_ids(self, text: str) -> tuple[int, ...]:
        """Token ids of a text that is not from a user: special tokens in it are special tokens."""
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def read(self, chunk: Chunk, text: str, index: int) -> ReadChunk:
        """The words and tokens of chunk number `index` of a prompt, of which only `text` is told.

        Between 0 and -1 a weight sets the share of attention alone: the tokens themselves weigh -1.
        """
        words: list[_Word] = []
        pieces: list[Piece] = []
        position = 0
        like = Token(0, min(chunk.weight, -1.0) if chunk.weight < 0 else chunk.weight, index)
        for match in self._names.finditer(text) if self._names else ():
            self._read_plain(text, position, match.start(), words, pieces, like)
            rows = self._vectors[match["name"].lower()]
            pieces.append(tuple(replace(like, id=-1, word=len(words), vector=row) for row in rows))
            words.append(_Word(match[0], match.start(), match.end(), match["name"]))
            position = match.end()
        self._read_plain(text, position, len(text), words, pieces, like)
        return ReadChunk(text or chunk.text, chunk.weight, chunk.span, tuple(words), tuple(pieces))

    def _read_plain(
        self, text: str, start: int, end: int, words: list[_Word], pieces: list[Piece], like: Token
    ) -> None:
        """Append the words and tokens of text[start:end], where no embedding is named."""
        here = len(words)
        words += [_Word(m[0], m.start(), m.end()) for m in _WORD.finditer(text, start, end)]
        ids, ends = self._ids(text[start:end])
        for token, last in zip(ids, ends, strict=True):
            while here < len(words) and words[here].end < start + last:
                here += 1
            inside = here < len(words) and words[here].start < start + last
            pieces.append((replace(like, id=token, word=here if inside else -1),))

    def _ids(self, text: str) -> tuple[list[int], list[int]]:
        """Token ids of a text, and where in it each ends. What looks like a special token stays text."""
        with self._lock:
            read = self._tokenizer(
                text,
                add_special_tokens=False,
                split_special_tokens=True,
                return_offsets_mapping=True,
                verbose=False,
            )
        return read["input_ids"], [end for _, end in read["offset_mapping"]]

    def report(self, read: ReadChunk, source: str, places: Mapping[int, int]) -> ChunkReport:
        """The report on a chunk; `places` has the row of every token that was read, by its identity."""
        tokens = [token for piece in read.pieces for token in piece]
        rows = tuple(places.get(id(token), -1) for token in tokens)
        lost = {token.word for token, row in zip(tokens, rows, strict=True) if row < 0}
        unread = {token.word for token in tokens if token.id == self._unknown}
        strings = self._strings(tokens, read)
        by_word: dict[int, list[str]] = {}
        for token, string in zip(tokens, strings, strict=True):
            by_word.setdefault(token.word, []).append(string)
        words = tuple(
            WordReport(word.text, span, self._known(word, i in unread), i in lost, tuple(by_word.get(i, ())))
            for i, (word, span) in enumerate(zip(read.words, _spans(read, source), strict=True))
        )
        ids = tuple(token.id for token in tokens)
        return ChunkReport(read.text, read.weight, read.span, ids, strings, rows, words)

    def _known(self, word: _Word, unread: bool) -> bool | None:
        if word.name is not None:
            return True
        if unread:
            return False
        if self._words is None:
            return None
        text = word.text.lower()
        return text in self._words or all(part in self._words for part in re.split(r"['’-]", text))

    def _strings(self, tokens: Sequence[Token], read: ReadChunk) -> tuple[str, ...]:
        return tuple(
            self._tokenizer.convert_ids_to_tokens(token.id)
            if token.vector is None
            else read.words[token.word].text
            for token in tokens
        )


def _present(token: int | None) -> tuple[int, ...]:
    return () if token is None else (token,)


def _spans(read: ReadChunk, source: str) -> list[tuple[int, int]]:
    """Where the words stand in the source; where an escape shifts them, the place of the whole chunk."""
    start, end = read.span
    position = start
    spans: list[tuple[int, int]] = []
    for word in read.words:
        place = source.find(word.text, position, end)
        spans.append((place, place + len(word.text)) if place >= 0 else (start, end))
        position = place + len(word.text) if place >= 0 else position
    return spans
