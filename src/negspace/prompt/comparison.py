"""Comparison: whether two prompts, perhaps of two dialects, tell a text encoder the same."""

from collections.abc import Iterator
from itertools import groupby, zip_longest

from negspace.prompt.tree import Blend, Chunk, Conjunction, Passage, Prompt, Swap


def words_of(prompt: Prompt) -> Iterator[tuple[str, float, Chunk]]:
    """What is said, word by word: the word, its weight, and the chunk it stands in.

    A word is a run of letters, one digit, or a run of other signs, which is how CLIP's tokenizer takes a text
    apart before it looks into its vocabulary. Space between words makes no difference, and the end of a chunk
    ends a word.
    """
    for chunk in _all_chunks(prompt):
        words = ("BREAK",) if chunk.kind == "break" else _words(chunk.text)
        for word in words:
            yield word, chunk.weight, chunk


def difference(said: Prompt, heard: Prompt) -> Chunk | None:
    """The first chunk of `said` that is not the same in `heard`; None if the two agree."""
    place = said.chunks[0]
    if _functions(said) != _functions(heard):
        return place
    for mine, other in zip_longest(words_of(said), words_of(heard)):
        if mine is not None:
            place = mine[2]
        if mine is None or other is None or mine[:2] != other[:2] or mine[2].kind != other[2].kind:
            return place
    return None


def _functions(prompt: Prompt) -> tuple[object, ...]:
    """What is said other than by words: the functions of compel with their numbers."""
    loras = tuple((lora.name, lora.weight) for lora in prompt.loras)
    match prompt.structure:
        case Blend(parts=parts, weights=weights, normalize=normalize):
            return "blend", weights, normalize, *map(_swaps, parts), loras
        case Conjunction(parts=parts, weights=weights):
            return "and", weights, *map(_swaps, parts), loras
        case Passage() as passage:
            return "row", _swaps(passage), loras
        case None:
            return "row", (), loras


def _swaps(passage: Passage) -> tuple[object, ...]:
    swaps = (piece for piece in passage.pieces if isinstance(piece, Swap))
    return tuple((swap.s_start, swap.s_end, swap.t_start, swap.t_end) for swap in swaps)


def _all_chunks(prompt: Prompt) -> Iterator[Chunk]:
    match prompt.structure:
        case Blend(parts=parts) | Conjunction(parts=parts):
            passages = parts
        case Passage() as passage:
            passages = (passage,)
        case None:
            yield from prompt.chunks
            return
    for passage in passages:
        for piece in passage.pieces:
            yield from (*piece.original, *piece.edited) if isinstance(piece, Swap) else (piece,)


def _words(text: str) -> Iterator[str]:
    """Runs of letters, single digits, runs of other signs."""
    for kind, signs in groupby(text, key=_kind):
        if kind == "digit":
            yield from signs
        elif kind != "space":
            yield "".join(signs)


def _kind(sign: str) -> str:
    if sign.isspace():
        return "space"
    if sign.isalpha():
        return "letter"
    return "digit" if sign.isnumeric() else "other"
