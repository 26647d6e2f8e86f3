"""Reads all of a text in one call: its sub-prompts, and for each the parsed prompt of every step."""

from dataclasses import dataclass, replace

from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.parsing import parse
from negspace.prompt.reading import refuse_warnings
from negspace.prompt.schedules import ScheduledText, scheduled_texts
from negspace.prompt.tree import Chunk, Prompt, Span


@dataclass(frozen=True)
class ScheduledPrompt:
    """One of the prompts in a text, as it changes over the steps.

    Attributes:
        factor: what the guidance towards it is multiplied by: its weight, negative after AND NOT.
        prompts: (last step, prompt) in order, counted from 1; the last one holds up to the last step.
    """

    factor: float
    prompts: tuple[tuple[int, Prompt], ...]

    def at(self, step: int) -> Prompt:
        """The prompt that holds at a step, counted from 1."""
        return next((prompt for last, prompt in self.prompts if step <= last), self.prompts[-1][1])


def unfold(
    text: str, steps: int, dialect: str = "a1111", strict: bool = False, *, after: int = 0
) -> tuple[ScheduledPrompt, ...]:
    """Reads AND, then schedules, then weights, as AUTOMATIC1111 does. Every span is one of `text`.

    Args:
        text: a prompt or a negative.
        steps: how many steps the sampler takes, at least 1.
        dialect: its dialect; where it is not `timed`, there is one prompt for all steps.
        strict: a warning among the findings is an error instead.
        after: how many steps a first pass has taken before these, as in `schedule`.

    Raises:
        RequestError: no dialect has that name, `steps` is less than 1, or `after` less than 0.
        PromptError: strict, and something cannot be read; `span` is its place.
    """
    return tuple(
        ScheduledPrompt(
            part.factor,
            _prompts(text, part, scheduled_texts(part.text, steps, dialect, after=after), dialect, strict),
        )
        for part in compose(text, dialect)
    )


def _prompts(
    text: str, part: SubPrompt, scheduled: tuple[ScheduledText, ...], dialect: str, strict: bool
) -> tuple[tuple[int, Prompt], ...]:
    known: dict[tuple[object, ...], Prompt] = {}
    for entry in scheduled:
        key = entry.text, entry.origin
        if key not in known:
            prompt = parse(entry.text, dialect)
            known[key] = prompt if entry.text == text else _in_source(prompt, text, part, entry)
        if strict:
            refuse_warnings(known[key])
    return tuple((entry.last_step, known[entry.text, entry.origin]) for entry in scheduled)


def _in_source(prompt: Prompt, text: str, part: SubPrompt, entry: ScheduledText) -> Prompt:
    """The prompt of an entry with its spans in the whole text."""

    def in_source(span: Span) -> Span:
        start, end = entry.source_span(span)
        return start + part.span[0], end + part.span[0]

    return replace(
        prompt,
        source=text,
        excerpt=entry.text,
        chunks=tuple(
            Chunk(chunk.text, chunk.weight, in_source(chunk.span), chunk.kind) for chunk in prompt.chunks
        ),
        findings=tuple(
            finding if finding.span is None else replace(finding, span=in_source(finding.span))
            for finding in prompt.findings
        ),
    )
