"""Estimates what the encoders will make of a text, without their tokenizers and weights."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, final

from negspace.avoid.terms import WORD, content_words, words_of
from negspace.facts import EncoderFacts, ModelFacts
from negspace.findings import Finding, Side
from negspace.prompt import Prompt, running_text
from negspace.prompt.reading import embedding_pattern

_SIGN = re.compile(r"[^\w\s]|_")


class TextEstimate(NamedTuple):
    """The estimate of one text.

    Attributes:
        tokens: how many tokens it takes.
        unknown: its content words that no encoder has learned; None where nobody knows.
        content: its content words.
    """

    tokens: int
    unknown: tuple[str, ...] | None
    content: tuple[str, ...]


@dataclass(frozen=True)
class _Piece:
    """A word, a sign, or the name of an embedding, and the estimated number of its tokens."""

    text: str
    start: int
    tokens: int


@lru_cache(maxsize=8)
def estimator_for(facts: ModelFacts) -> "TextEstimator":
    """The estimator of a model, cached: the terms of a policy are the same in every request."""
    return TextEstimator(facts)


@final
class TextEstimator:
    """Estimates texts for one model.

    Args:
        facts: of the model.
    """

    def __init__(self, facts: ModelFacts) -> None:
        self._encoders = facts.encoders
        self._names = embedding_pattern(embedding.name for embedding in facts.embeddings)
        self._vectors = {embedding.name.lower(): embedding.vectors for embedding in facts.embeddings}
        learned = [encoder.words for encoder in facts.encoders]
        self._learned = None if None in learned else tuple(words for words in learned if words is not None)
        self._cached = lru_cache(maxsize=4096)(self._estimate)

    def estimate(self, text: str) -> TextEstimate:
        """The estimate of a text without syntax."""
        return self._cached(text)

    def _estimate(self, text: str) -> TextEstimate:
        content = content_words(text)
        rest = content_words(self._names.sub(" ", text)) if self._names else content
        unknown = self._unlearned(rest)
        return TextEstimate(self._tokens(text, unknown or ()), unknown, content)

    def tokens(self, text: str) -> int:
        """How many tokens a text without syntax takes."""
        return self._cached(text).tokens

    def named(self, text: str) -> frozenset[str]:
        """The names of the embeddings in a text, lower case."""
        if self._names is None:
            return frozenset()
        return frozenset(match["name"].lower() for match in self._names.finditer(text))

    def length_findings(
        self, longest: int, side: Side, prompts: Callable[[], Sequence[Prompt]]
    ) -> Iterator[Finding]:
        """Names encoders for which a text is too long: some read it in several windows, others cut its end.

        Args:
            longest: tokens of the longest prompt in the text.
            side: of the text.
            prompts: reads the text; called only where an encoder reads running text.
        """
        name = "the prompt" if side == "prompt" else "the negative"
        windowed = [encoder.chunk for encoder in self._encoders if encoder.kind == "clip"]
        if windowed and longest > min(windowed):
            text = f"{name} takes about {longest} tokens, more than the {min(windowed)} of one window"
            yield Finding("long", f"{text}: it is read in several", side=side, level="note")
        for encoder in self._encoders:
            if encoder.kind == "llm":
                findings = (self._cut_finding(prompt, encoder, side) for prompt in prompts())
                yield from dict.fromkeys(finding for finding in findings if finding is not None)

    def _unlearned(self, content: Sequence[str]) -> tuple[str, ...] | None:
        if self._learned is None:
            return None
        if any(words.issuperset(content) for words in self._learned):
            return ()
        return tuple(word for word in dict.fromkeys(content) if not self._is_learned(word))

    def _is_learned(self, word: str) -> bool:
        return self._knows(word) or all(self._knows(part) for part in word.replace("’", "'").split("-"))

    def _knows(self, word: str) -> bool:
        return any(word in words for words in self._learned or ())

    def _tokens(self, text: str, unknown: Sequence[str]) -> int:
        """The sum over its pieces, which are not needed where the model has no embeddings."""
        if self._names:
            return sum(piece.tokens for piece in self._pieces(text, unknown))
        words = words_of(text)
        more = sum(_size(word) - 1 for word in words if word in unknown) if unknown else 0
        return len(words) + more + len(_SIGN.findall(text))

    def _cut_finding(self, prompt: Prompt, encoder: EncoderFacts, side: Side) -> Finding | None:
        read, lost = 0, list[_Piece]()
        running = running_text(prompt)
        unknown = self.estimate(running).unknown or ()
        for piece in self._pieces(running, unknown):
            read += piece.tokens
            if read > encoder.chunk:
                lost.append(piece)
        if not lost:
            return None
        words = [piece for piece in lost if WORD.search(piece.text)]
        cut = " ".join(piece.text for piece in words) or "punctuation"
        over = read - encoder.chunk
        text = f"{encoder.name} reads {encoder.chunk} tokens; about {over} more would be cut: {cut}"
        whole = running == prompt.source
        span = (words[0].start, words[-1].start + len(words[-1].text)) if words and whole else None
        return Finding("cut-words", text, span, side)

    def _pieces(self, text: str, unknown: Sequence[str]) -> Iterator[_Piece]:
        """A known word is a token, another one a token for every four letters, a sign one each."""
        position = 0
        for match in self._names.finditer(text) if self._names else ():
            yield from _plain_pieces(text, position, match.start(), unknown)
            yield _Piece(match[0], match.start(), self._vectors[match["name"].lower()])
            position = match.end()
        yield from _plain_pieces(text, position, len(text), unknown)


def _plain_pieces(text: str, start: int, end: int, unknown: Sequence[str]) -> Iterator[_Piece]:
    position = start
    for match in WORD.finditer(text, start, end):
        yield from _signs(text, position, match.start())
        word = match[0].lower()
        size = _size(word) if word in unknown else 1
        yield _Piece(match[0], match.start(), size + len(_SIGN.findall(word)))
        position = match.end()
    yield from _signs(text, position, end)


def _signs(text: str, start: int, end: int) -> Iterator[_Piece]:
    for match in _SIGN.finditer(text, start, end):
        yield _Piece(match[0], match.start(), 1)


def _size(word: str) -> int:
    """How many tokens an unknown word takes, without the signs in it."""
    return -(-len(word) // 4)
