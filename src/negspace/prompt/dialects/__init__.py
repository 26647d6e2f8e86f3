"""The dialects by name."""

from collections.abc import Callable
from dataclasses import dataclass

from negspace.errors import PromptError, RequestError, lookup
from negspace.prompt.comparison import difference
from negspace.prompt.compel import writing as compel_writing
from negspace.prompt.dialects import a1111, comfy, compel, plain
from negspace.prompt.reading import Notes, insist
from negspace.prompt.tree import Prompt


@dataclass(frozen=True)
class Dialect:
    """One grammar.

    Attributes:
        name: what it is called in a request.
        parse: reads a text.
        write: writes a prompt so that `parse` reads the same chunks; PromptError where it cannot say them.
        timed: whether it has schedules and AND, which stand above what `parse` reads.
    """

    name: str
    parse: Callable[[str, Notes], Prompt]
    write: Callable[[Prompt], str]
    timed: bool = False


DIALECTS = {
    a1111.NAME: Dialect(a1111.NAME, a1111.parse, a1111.write, timed=True),
    comfy.NAME: Dialect(comfy.NAME, comfy.parse, comfy.write),
    compel.NAME: Dialect(compel.NAME, compel.parse, compel_writing.write),
    plain.NAME: Dialect(plain.NAME, plain.parse, plain.write),
}


def dialect_named(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        RequestError: there is none.
    """
    return lookup("dialect", name, DIALECTS, RequestError)


def parse(text: str, dialect: str = "a1111", strict: bool = False) -> Prompt:
    """Reads a text into chunks of words and weights, each with its place.

    Schedules and AND stand above this: `unfold` reads those first and calls this for each text they make.

    Args:
        text: any text of any length; the time is linear in it.
        dialect: "a1111", "comfy", "compel" or "plain".
        strict: a warning among the findings is an error instead.

    Raises:
        RequestError: no dialect has that name.
        PromptError: strict, and something cannot be read; `span` says where.
    """
    prompt = dialect_named(dialect).parse(text, Notes())
    return insist(prompt) if strict else prompt


def write(prompt: Prompt, dialect: str | None = None) -> str:
    """The text that reads as `prompt` in a dialect, its own if None. It is read back before it is given out.

    In its own dialect every chunk comes back as it was. In another the words and their weights do; chunks may
    be joined or divided between words.

    Raises:
        RequestError: no dialect has that name.
        PromptError: the dialect cannot say this; `span` says what, in the source of the prompt.
    """
    goal = dialect_named(prompt.dialect if dialect is None else dialect)
    text = goal.write(prompt)
    read = goal.parse(text, Notes())
    if goal.name == prompt.dialect and not _same(read, prompt):
        # Badly formed compel text has no other spelling than the one it came in.
        text = prompt.source
        read = goal.parse(text, Notes())
    wrong = difference(prompt, read)
    if wrong is not None:
        trouble = f"{goal.name} cannot say {wrong.text[:40]!r} with the weight {wrong.weight:g}"
        raise PromptError(trouble, wrong.span)
    return text


def _same(left: Prompt, right: Prompt) -> bool:
    return (left.chunks, left.structure, left.loras) == (right.chunks, right.structure, right.loras)
