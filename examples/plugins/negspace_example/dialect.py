"""A prompt dialect in which words in capitals weigh more."""

import re
from collections.abc import Iterator

from negspace.errors import PromptError
from negspace.prompt.dialect import Dialect
from negspace.prompt.reading import FindingCollector
from negspace.prompt.tree import Chunk, Prompt
from negspace.prompt.writing import refuse_breaks, refuse_structure

_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")
_WEIGHT = 1.2


def _parse(source: str, findings: FindingCollector) -> Prompt:
    chunks = tuple(_chunks(source)) or (Chunk("", 1.0, (0, 0)),)
    return Prompt(chunks, "shouting", source, findings.collected())


def _chunks(source: str) -> Iterator[Chunk]:
    end = 0
    for match in _CAPITALS.finditer(source):
        if match.start() > end:
            yield Chunk(source[end : match.start()], 1.0, (end, match.start()))
        yield Chunk(match[0], _WEIGHT, match.span())
        end = match.end()
    if end < len(source):
        yield Chunk(source[end:], 1.0, (end, len(source)))


def _write(prompt: Prompt) -> str:
    refuse_structure(prompt, "the shouting dialect")
    refuse_breaks(prompt, "the shouting dialect")
    for chunk in prompt.chunks:
        if chunk.weight != (_WEIGHT if _CAPITALS.fullmatch(chunk.text) else 1.0):
            raise PromptError(f"{chunk.text[:40]!r} cannot weigh {chunk.weight:g} when shouting", chunk.span)
    return "".join(chunk.text for chunk in prompt.chunks)


DIALECT = Dialect("shouting", _parse, _write)
