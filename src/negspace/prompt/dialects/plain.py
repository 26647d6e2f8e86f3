"""plain: every character is itself. Language-model encoders get this: `ereshkigal (fate)` survives it."""

from negspace.errors import PromptError
from negspace.prompt.reading import Notes
from negspace.prompt.tree import Chunk, Prompt
from negspace.prompt.writing import refuse_breaks, refuse_structure

NAME = "plain"


def parse(source: str, notes: Notes) -> Prompt:
    """The text as its own only chunk."""
    return Prompt((Chunk(source, 1.0, (0, len(source))),), NAME, source, notes.findings)


def write(prompt: Prompt) -> str:
    """The text of a prompt that has nothing but text.

    Raises:
        PromptError: something in it weighs other than 1, or is more than text.
    """
    refuse_structure(prompt, "plain text")
    refuse_breaks(prompt, "plain text")
    for chunk in prompt.chunks:
        if chunk.weight != 1.0:
            raise PromptError(
                f"plain text has no weights: {chunk.text[:40]!r} weighs {chunk.weight:g}", chunk.span
            )
    return prompt.clean
