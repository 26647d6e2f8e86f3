"""Estimates: what the encoders will make of a text, as far as can be told without tokenizer and weights."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from negspace.avoid.terms import WORD, content_words
from negspace.facts import EncoderFacts, ModelFacts
from negspace.findings import Finding, Side
from negspace.prompt import Prompt
from negspace.prompt.words import mentions

_SIGN = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True)
class _Piece:
    """A word, a sign, or the name of an embedding, and about how many tokens it takes."""

    text: str
    start: int
    tokens: int


def named_embeddings(text: str, facts: ModelFacts) -> frozenset[str]:
    """The names of the embeddings that a text asks for, lower case."""
    names = mentions(one.name for one in facts.embeddings)
    return frozenset(match["name"].lower() for match in names.finditer(text)) if names else frozenset()


@lru_cache(maxsize=8192)
def unknown_words(text: str, facts: ModelFacts) -> tuple[str, ...] | None:
    """The content words that no encoder of the model has learned; None where nobody knows."""
    if any(encoder.words is None for encoder in facts.encoders):
        return None
    names = mentions(one.name for one in facts.embeddings)
    rest = names.sub(" ", text) if names else text
    if not WORD.search(rest):
        return ()
    learned = _learned(facts.encoders)
    return tuple(
        dict.fromkeys(
            word
            for word in content_words(rest)
            if word not in learned and not all(part in learned for part in word.replace("’", "'").split("-"))
        )
    )


@lru_cache(maxsize=16)
def _learned(encoders: tuple[EncoderFacts, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(encoder.words or () for encoder in encoders))


@lru_cache(maxsize=8192)
def tokens(text: str, facts: ModelFacts) -> int:
    """How many tokens a text takes: the sum over its pieces, without making them where all are plain."""
    if facts.embeddings:
        return sum(piece.tokens for piece in _pieces(text, facts))
    words = WORD.findall(text)
    unknown = frozenset(unknown_words(text, facts) or ())
    more = sum(_size(word) - 1 for word in map(str.lower, words) if word in unknown) if unknown else 0
    return len(words) + more + len(_SIGN.findall(text))


def length_findings(prompts: Sequence[Prompt], side: Side, facts: ModelFacts) -> Iterator[Finding]:
    """Where a text outgrows an encoder: those with windows read on, running text is cut at its end."""
    name = "the prompt" if side == "prompt" else "the negative"
    windowed = [encoder.chunk for encoder in facts.encoders if encoder.kind == "clip"]
    longest = max(tokens(prompt.clean, facts) for prompt in prompts)
    if windowed and longest > min(windowed):
        told = f"{name} takes about {longest} tokens, more than the {min(windowed)} of one window"
        yield Finding("long", f"{told}: it is read in several", side=side, level="note")
    for encoder in facts.encoders:
        if encoder.kind == "llm":
            found = (_cut(prompt, encoder, side, facts) for prompt in prompts)
            yield from dict.fromkeys(finding for finding in found if finding is not None)


def _cut(prompt: Prompt, encoder: EncoderFacts, side: Side, facts: ModelFacts) -> Finding | None:
    read, lost = 0, list[_Piece]()
    for piece in _pieces(prompt.written, facts):
        read += piece.tokens
        if read > encoder.chunk:
            lost.append(piece)
    if not lost:
        return None
    words = [piece for piece in lost if WORD.search(piece.text)]
    told = " ".join(piece.text for piece in words) or "punctuation"
    text = (
        f"{encoder.name} reads {encoder.chunk} tokens; about {read - encoder.chunk} more would be cut: {told}"
    )
    whole = prompt.excerpt in (None, prompt.source)
    span = (words[0].start, words[-1].start + len(words[-1].text)) if words and whole else None
    return Finding("cut-words", text, span, side)


def _pieces(text: str, facts: ModelFacts) -> Iterator[_Piece]:
    """A known word is a token, another one a token for every four letters, a sign one each."""
    names = mentions(one.name for one in facts.embeddings)
    vectors = {one.name.lower(): one.vectors for one in facts.embeddings}
    unknown = frozenset(unknown_words(text, facts) or ())
    position = 0
    for match in names.finditer(text) if names else ():
        yield from _plain_pieces(text, position, match.start(), unknown)
        yield _Piece(match[0], match.start(), vectors[match["name"].lower()])
        position = match.end()
    yield from _plain_pieces(text, position, len(text), unknown)


def _plain_pieces(text: str, start: int, end: int, unknown: frozenset[str]) -> Iterator[_Piece]:
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
