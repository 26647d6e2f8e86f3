"""What the writers of all dialects share: they refuse what their dialect cannot express."""

from negspace.errors import PromptError
from negspace.prompt.tree import Blend, Conjunction, Passage, Prompt, Swap


def refuse_structure(prompt: Prompt, dialect: str) -> None:
    """Refuses the functions of compel, which no other dialect has.

    Raises:
        PromptError: the prompt has one; the error is the first.
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


def refuse_loras(prompt: Prompt, dialect: str) -> None:
    """Refuses names of LoRA files.

    Raises:
        PromptError: the prompt has one; the error is the first.
    """
    if prompt.loras:
        span = prompt.loras[0].span
        raise PromptError(f"{dialect} has no withLora() and no tags: load the LoRA by other means", span)


def refuse_breaks(prompt: Prompt, dialect: str) -> None:
    """Refuses BREAK.

    Raises:
        PromptError: the prompt has one; the error is the first.
    """
    for chunk in prompt.chunks:
        if chunk.kind == "break":
            raise PromptError(f"{dialect} has no BREAK: take it out, or stay in a1111", chunk.span)
