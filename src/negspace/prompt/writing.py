"""What all writers share: refusing what their dialect cannot say, and keeping words apart."""

from negspace.errors import PromptError
from negspace.prompt.tree import Blend, Chunk, Conjunction, Passage, Prompt, Swap


def refuse_structure(prompt: Prompt, dialect: str) -> None:
    """Stops at the first of compel's functions, which no other dialect has.

    Raises:
        PromptError: there is one.
    """
    match prompt.structure:
        case Blend(span=span):
            raise PromptError(f"{dialect} has no .blend(): write the parts as prompts of their own", span)
        case Conjunction(span=span):
            raise PromptError(f"{dialect} has no .and(): write the parts as prompts of their own", span)
        case Passage(pieces=pieces):
            for piece in pieces:
                if isinstance(piece, Swap):
                    raise PromptError(f"{dialect} has no .swap(): choose one of its sides", piece.span)
        case None:
            pass
    if prompt.loras:
        raise PromptError(f"{dialect} has no withLora(): load the LoRA by other means", prompt.loras[0].span)


def refuse_breaks(prompt: Prompt, dialect: str) -> None:
    """Stops at the first BREAK.

    Raises:
        PromptError: there is one.
    """
    for chunk in prompt.chunks:
        if chunk.kind == "break":
            raise PromptError(f"{dialect} has no BREAK: take it out, or stay in a1111", chunk.span)


def runs_together(left: Chunk, right: Chunk, dialect: str) -> bool:
    """Whether two chunks with text need a space where they meet.

    a1111 joins neighbours of one weight, and would make one word of two. compel's chunks carry no spaces, and
    without them would be hard to read.
    """
    apart = left.text[-1].isspace() or right.text[0].isspace()
    return not apart and (left.weight == right.weight or dialect == "compel")
