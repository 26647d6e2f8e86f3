"""Reading and writing texts in a dialect that is given by its name."""

from collections.abc import Mapping

from negspace.errors import PromptError, RequestError, lookup
from negspace.plugins import modules_in, plugins
from negspace.prompt import dialects
from negspace.prompt.comparison import difference
from negspace.prompt.dialect import Dialect
from negspace.prompt.reading import FindingCollector, refuse_warnings
from negspace.prompt.tree import Prompt


def _checked(plugin: object) -> Dialect:
    if not isinstance(plugin, Dialect):
        raise ValueError("it is not a Dialect")
    return plugin


_SHIPPED: Mapping[str, Dialect] = {module.DIALECT.name: module.DIALECT for module in modules_in(dialects)}

DIALECTS = plugins("negspace.dialects", _SHIPPED, _checked)
"""Every dialect by name: the modules of `negspace.prompt.dialects`, and plug-ins."""


def dialect_named(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        RequestError: there is none.
    """
    return lookup("dialect", name, DIALECTS, RequestError)


def parse(text: str, dialect: str = "a1111", strict: bool = False) -> Prompt:
    """Reads a text into chunks of words and weights, each with its span.

    Schedules and AND are not read here: `unfold` reads them first and calls this for each resulting text.

    Args:
        text: any text of any length; the time is linear in it.
        dialect: a name in `DIALECTS`.
        strict: a warning among the findings is an error instead.

    Raises:
        RequestError: no dialect has that name.
        PromptError: strict, and something cannot be read; `span` is its place.
    """
    prompt = dialect_named(dialect).parse(text, FindingCollector())
    return refuse_warnings(prompt) if strict else prompt


def write(prompt: Prompt, dialect: str | None = None) -> str:
    """The text that reads as `prompt` in a dialect, its own if None.

    The text is parsed again and compared before it is returned. In its own dialect every
    chunk is the same again. In another one the words and their weights are; chunks may be joined, or divided
    between words.

    Raises:
        RequestError: no dialect has that name.
        PromptError: the dialect cannot express something; `span` is its place in the source of the prompt.
    """
    target = dialect_named(prompt.dialect if dialect is None else dialect)
    text = target.write(prompt)
    reread = target.parse(text, FindingCollector())
    if target.name == prompt.dialect and not _same(reread, prompt):
        # Malformed compel text has no other spelling than its source.
        text = prompt.source
        reread = target.parse(text, FindingCollector())
    chunk = difference(prompt, reread)
    if chunk is not None:
        message = f"{target.name} cannot say {chunk.text[:40]!r} with the weight {chunk.weight:g}"
        raise PromptError(message, chunk.span)
    return text


def _same(left: Prompt, right: Prompt) -> bool:
    return (left.chunks, left.structure, left.loras) == (right.chunks, right.structure, right.loras)
