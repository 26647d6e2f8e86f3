"""Whether two prompts, perhaps in two dialects, mean the same to a text encoder."""

from collections.abc import Iterator
from itertools import groupby, zip_longest

from negspace.prompt.tree import Blend, Chunk, Conjunction, Passage, Prompt, Swap


def words_of(prompt: Prompt) -> Iterator[tuple[str, float, Chunk]]:
    """Every word of a prompt with its weight and its chunk.

    A word is a run of letters, one digit, or a run of other characters, as CLIP's tokenizer divides a text
    before it looks into its vocabulary. White space between words makes no difference, and the end of a chunk
    ends a word.
    """
    for chunk in _all_chunks(prompt):
        words = ("BREAK",) if chunk.kind == "break" else _words(chunk.text)
        for word in words:
            yield word, chunk.weight, chunk


def difference(prompt: Prompt, other: Prompt) -> Chunk | None:
    """The first chunk of `prompt` that is not the same in `other`; None if the two agree."""
    chunk = prompt.chunks[0]
    if _functions(prompt) != _functions(other):
        return chunk
    for left, right in zip_longest(words_of(prompt), words_of(other)):
        if left is not None:
            chunk = left[2]
        if left is None or right is None or left[:2] != right[:2] or left[2].kind != right[2].kind:
            return chunk
    return None


def _functions(prompt: Prompt) -> tuple[object, ...]:
    """The functions of compel with their numbers."""
    loras = tuple((lora.name, lora.weight, lora.text_weight) for lora in prompt.loras)
    match prompt.structure:
        case Blend(parts=parts, weights=weights, normalize=normalize):
            return "blend", weights, normalize, *map(_swaps, parts), loras
        case Conjunction(parts=parts, weights=weights):
            return "and", weights, *map(_swaps, parts), loras
        case Passage() as passage:
            return "passage", _swaps(passage), loras
        case None:
            return "passage", (), loras


def _swaps(passage: Passage) -> tuple[object, ...]:
    swaps = (piece for piece in passage.pieces if isinstance(piece, Swap))
    return tuple((swap.s_start, swap.s_end, swap.t_start, swap.t_end) for swap in swaps)


def _all_chunks(prompt: Prompt) -> Iterator[Chunk]:
    if prompt.structure is None:
        yield from prompt.chunks
    for passage in prompt.passages:
        for piece in passage.pieces:
            yield from (*piece.original, *piece.edited) if isinstance(piece, Swap) else (piece,)


def _words(text: str) -> Iterator[str]:
    """Runs of letters, single digits, runs of other characters."""
    for kind, characters in groupby(text, key=_kind):
        if kind == "digit":
            yield from characters
        elif kind != "space":
            yield "".join(characters)


def _kind(character: str) -> str:
    if character.isspace():
        return "space"
    if character.isalpha():
        return "letter"
    return "digit" if character.isnumeric() else "other"
