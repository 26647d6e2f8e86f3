"""Conversion: the same words and numbers in another dialect, or an error that says what cannot be said."""

from negspace.errors import PromptError
from negspace.prompt.composition import compose
from negspace.prompt.dialects import dialect_named, parse, write
from negspace.prompt.schedules import changes


def convert(text: str, source: str, target: str) -> str:
    """Writes a text of one dialect in another, with the same weight on every word.

    What is written is read back and compared word by word before it is given out. In the same dialect the
    text is left as it is.

    Args:
        text: the text; what cannot be read in it is taken as text.
        source, target: "a1111", "comfy", "compel" or "plain".

    Raises:
        RequestError: no dialect has that name.
        PromptError: `target` cannot say something; `span` says where it stands in `text`.
    """
    timed, goal = dialect_named(source).timed, dialect_named(target)
    if source == target:
        return text
    if timed:
        for part in compose(text, source)[1:]:
            raise PromptError(f"{goal.name} has no AND: write the parts as prompts of their own", part.seam)
        for change in changes(text):
            raise PromptError(f"{goal.name} has no schedules: write out what each step shows", change.span)
    return write(parse(text, source), target)
