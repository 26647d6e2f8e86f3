"""Writes prompts in the syntax of compel."""

from collections.abc import Iterable

from negspace.errors import PromptError
from negspace.prompt.reading import format_weight
from negspace.prompt.tree import EMPTY, Blend, Chunk, Conjunction, Lora, Passage, Prompt, Swap
from negspace.prompt.writing import refuse_breaks

_ESCAPES = str.maketrans({sign: "\\" + sign for sign in '()"'})
_DEFAULTS = Swap((), ())


def write(prompt: Prompt) -> str:
    """The text that compel reads as this prompt, with single spaces between words.

    The caller has to parse it again and compare, because compel cannot express everything, such as `a+` with
    a weight.

    Raises:
        PromptError: there is a BREAK or a negative weight.
    """
    refuse_breaks(prompt, "compel")
    own = prompt.dialect == "compel"
    loras = " ".join(map(_lora, prompt.loras))
    match prompt.structure:
        case None:
            return _joined((_sequence(prompt.chunks, own), loras))
        case Passage(pieces=pieces):
            return _joined((_sequence(pieces, own), loras))
        case Blend(parts=parts, weights=weights, normalize=normalize):
            arguments = (*map(format_weight, weights), *(() if normalize else ("no_normalize",)))
            return _joined((f"{_parts(parts, '')}.blend({', '.join(arguments)})", loras))
        case Conjunction(parts=parts, weights=weights):
            return f"{_parts(parts, loras)}.and({', '.join(map(format_weight, weights))})"


def _parts(parts: tuple[Passage, ...], loras: str) -> str:
    """("a", "b"). compel ignores what follows .and(), so LoRAs go into the first part."""
    return f"({', '.join(_quoted(part, '' if index else loras) for index, part in enumerate(parts))})"


def _quoted(part: Passage, loras: str) -> str:
    return f'"{_joined((_sequence(part.pieces, True), loras))}"'


def _sequence(pieces: Iterable[Chunk | Swap], own: bool) -> str:
    return _joined(_swap(piece) if isinstance(piece, Swap) else _chunk(piece, own) for piece in pieces)


def _chunk(chunk: Chunk, own: bool) -> str:
    # Texts from compel have single spaces, and an empty word in them is a pair of quotation marks.
    words = chunk.text.split(" ") if own and chunk != EMPTY else chunk.text.split()
    text = " ".join(word.translate(_ESCAPES) or '""' for word in words)
    if chunk.weight == 1.0:
        return text
    if chunk.weight < 0:
        raise PromptError(
            f"compel has no negative weights: {chunk.text[:40]!r} weighs {chunk.weight:g}", chunk.span
        )
    return f"({text}){format_weight(chunk.weight)}"


def _swap(swap: Swap) -> str:
    options = "".join(
        f", {name}={format_weight(getattr(swap, name))}"
        for name in ("s_start", "s_end", "t_start", "t_end")
        if getattr(swap, name) != getattr(_DEFAULTS, name)
    )
    return f"({_sequence(swap.original, True)}).swap(({_sequence(swap.edited, True)}){options})"


def _lora(lora: Lora) -> str:
    if lora.text_weight is not None:
        raise PromptError("compel cannot give a text encoder another strength than the network", lora.span)
    return f"withLora({lora.name}, {format_weight(lora.weight)})"


def _joined(parts: Iterable[str]) -> str:
    return " ".join(part for part in parts if part)
