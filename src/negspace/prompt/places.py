"""Where the parts of a text stand in the text that it was made of."""

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace

from negspace.findings import Finding
from negspace.prompt.tree import Chunk, Prompt, Span

Origin = tuple[tuple[int, int], ...]
"""The source of each part of a text, as (first character in the text, first one in the source), in order."""


def span_in_source(origin: Origin, span: Span) -> Span:
    """The span in the source of a span of the text."""
    start, end = span
    first = _in_source(origin, start)
    return (first, _in_source(origin, end - 1) + 1) if end > start else (first, first)


def _in_source(origin: Origin, at: int) -> int:
    if not origin:
        return 0
    part = max(0, bisect_right(origin, at, key=lambda part: part[0]) - 1)
    in_text, in_source = origin[part]
    return in_source + at - in_text


def placed(prompt: Prompt, source: str, in_source: Callable[[Span], Span]) -> Prompt:
    """A prompt that was read from a part of `source`, with its spans in all of it."""
    return replace(
        prompt,
        source=source,
        excerpt=prompt.source if prompt.excerpt is None else prompt.excerpt,
        chunks=tuple(
            Chunk(chunk.text, chunk.weight, in_source(chunk.span), chunk.kind) for chunk in prompt.chunks
        ),
        findings=findings_in_source(prompt.findings, in_source),
    )


def findings_in_source(findings: Iterable[Finding], in_source: Callable[[Span], Span]) -> tuple[Finding, ...]:
    """Findings with their spans in the source."""
    return tuple(
        finding if finding.span is None else replace(finding, span=in_source(finding.span))
        for finding in findings
    )
