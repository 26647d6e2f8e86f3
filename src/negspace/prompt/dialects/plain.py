"""The plain dialect, in which every character is literal. Language-model encoders get such texts."""

from negspace.errors import PromptError
from negspace.prompt.dialect import Dialect
from negspace.prompt.foreign import ALL_FORMS
from negspace.prompt.reading import FindingCollector
from negspace.prompt.tree import Chunk, Prompt
from negspace.prompt.writing import refuse_breaks, refuse_loras, refuse_structure

NAME = "plain"


def parse(source: str, findings: FindingCollector) -> Prompt:
    """The whole text as one chunk."""
    return Prompt((Chunk(source, 1.0, (0, len(source))),), NAME, source, findings.collected())


def write(prompt: Prompt) -> str:
    """The text of a prompt without weights and functions.

    Raises:
        PromptError: a weight is not 1, or there is a BREAK or a function.
    """
    refuse_structure(prompt, "plain text")
    refuse_loras(prompt, "plain text")
    refuse_breaks(prompt, "plain text")
    for chunk in prompt.chunks:
        if chunk.weight != 1.0:
            raise PromptError(
                f"plain text has no weights: {chunk.text[:40]!r} weighs {chunk.weight:g}", chunk.span
            )
    return prompt.clean


DIALECT = Dialect(NAME, parse, write, native=ALL_FORMS - {"tag", "lora-call", "option"})
