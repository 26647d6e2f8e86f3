"""Reading and writing texts in a dialect that is given by its name."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import final

from negspace.errors import PromptError, RequestError, lookup
from negspace.findings import Finding
from negspace.plugins import check_call, defined_in, plugins
from negspace.prompt import dialects
from negspace.prompt.comparison import difference
from negspace.prompt.dialect import Dialect
from negspace.prompt.foreign import foreign_findings
from negspace.prompt.places import findings_in_source, placed, span_in_source
from negspace.prompt.reading import MOST_FINDINGS, FindingCollector, refuse_warnings
from negspace.prompt.tags import without_tags
from negspace.prompt.tree import Lora, Prompt, Span


def _checked(plugin: object) -> Dialect:
    if not isinstance(plugin, Dialect):
        raise ValueError("it is not a Dialect")
    check_call(plugin.parse, "", FindingCollector(), what="parse takes a text and a FindingCollector")
    check_call(plugin.write, None, what="write takes a prompt")
    return plugin


_SHIPPED = {dialect.name: dialect for dialect in map(_checked, defined_in(dialects, "DIALECT", Dialect))}

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
    source = SourceText(text, dialect_named(dialect))
    prompt = source.complete(source.parse())
    return refuse_warnings(prompt) if strict else prompt


@final
class SourceText:
    """A text as it was given, with what is to be read before its weights.

    Attributes:
        text: without its tags.
        findings: on all of it: tags that nobody carries out, and forms of other dialects.
    """

    def __init__(self, source: str, dialect: Dialect) -> None:
        self._source = source
        self._dialect = dialect
        untagged = without_tags(source) if "tag" in dialect.native else None
        self.text = source if untagged is None else untagged.text
        self._origin = ((0, 0),) if untagged is None else untagged.origin
        self._loras = () if untagged is None else untagged.loras
        tag_findings = () if untagged is None else untagged.findings
        foreign = islice(foreign_findings(self.text, dialect.native), MOST_FINDINGS)
        self.findings = (*tag_findings, *findings_in_source(foreign, self.in_source))

    def in_source(self, span: Span) -> Span:
        """The span in the source of a span of `text`."""
        return span if self._origin == ((0, 0),) else span_in_source(self._origin, span)

    def parse(self) -> Prompt:
        """All of `text` as one prompt, with its spans in the source.

        Raises:
            PromptError: the dialect cannot read it, or gives nothing for it.
        """
        prompt = self._dialect.parse(self.text, FindingCollector())
        if not prompt.chunks:
            message = f"the dialect {self._dialect.name} gives no chunk for a text; it must give one or more"
            raise PromptError(message, (0, len(self._source)))
        return prompt if self.text == self._source else placed(prompt, self._source, self.in_source)

    def complete(self, prompt: Prompt, more: tuple[Finding, ...] = ()) -> Prompt:
        """A prompt that was read from this text, with its spans in the source, and what belongs to all of it.

        Args:
            prompt: the prompt.
            more: findings on other parts of the text.
        """
        loras = (*self._loras, *prompt.loras)
        more = (*self.findings, *more, *self._lora_findings(loras))
        if not loras and not more:
            return prompt
        findings = tuple(dict.fromkeys((*more, *prompt.findings)))
        if len(findings) > MOST_FINDINGS + 1:
            left_out = f"at least {len(findings) - MOST_FINDINGS} more findings"
            findings = (*findings[:MOST_FINDINGS], Finding("more", left_out))
        return replace(prompt, findings=findings, loras=loras)

    def _lora_findings(self, loras: Iterable[Lora]) -> Iterator[Finding]:
        for lora in loras:
            written = self._source[slice(*lora.span)]
            yield Finding("lora", f"not carried out: {written}: use --lora", lora.span)


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
    reread = parse(text, target.name)
    if target.name == prompt.dialect and not _same(reread, prompt):
        # Malformed compel text has no other spelling than its source.
        text = prompt.source
        reread = parse(text, target.name)
    chunk = difference(prompt, reread)
    if chunk is not None:
        message = f"{target.name} cannot say {chunk.text[:40]!r} with the weight {chunk.weight:g}"
        raise PromptError(message, chunk.span)
    return text


def _same(left: Prompt, right: Prompt) -> bool:
    return (left.chunks, left.structure, left.loras) == (right.chunks, right.structure, right.loras)
