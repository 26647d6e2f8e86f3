"""Converts a text to another dialect with the same weights, or refuses what the other cannot express."""

from negspace.errors import PromptError
from negspace.prompt.composition import compose
from negspace.prompt.parsing import dialect_named, parse, write
from negspace.prompt.schedules import schedules_of


def convert(text: str, source: str, target: str) -> str:
    """The text of one dialect in another, with the same weight on every word.

    The result is parsed again and compared word by word before it is returned. In the same dialect the text
    is left as it is.

    Args:
        text: the text; what cannot be read in it counts as text.
        source, target: names in `DIALECTS`.

    Raises:
        RequestError: no dialect has that name.
        PromptError: `target` cannot express something; `span` is its place in `text`.
    """
    timed = dialect_named(source).timed
    dialect_named(target)  # an unknown name is refused before anything in the text
    if source == target:
        return text
    if timed:
        for part in compose(text, source)[1:]:
            raise PromptError(f"{target} has no AND: write the parts as prompts of their own", part.separator)
        for change in schedules_of(text):
            raise PromptError(f"{target} has no schedules: write out what each step shows", change.span)
    return write(parse(text, source), target)
