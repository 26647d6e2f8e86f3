"""Reads all of a text in one call: its sub-prompts, and for each the parsed prompt of every step."""

from collections.abc import Collection
from dataclasses import dataclass

from negspace.findings import Finding
from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.dialect import Dialect
from negspace.prompt.parsing import SourceText, dialect_named
from negspace.prompt.places import findings_in_source, placed
from negspace.prompt.reading import FindingCollector, refuse_warnings
from negspace.prompt.schedules import ScheduledText, scheduled_texts, unread_schedules
from negspace.prompt.tree import Prompt, Span


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
    text: str,
    steps: int,
    dialect: str = "a1111",
    strict: bool = False,
    *,
    after: int = 0,
    carried_loras: Collection[str] = (),
) -> tuple[ScheduledPrompt, ...]:
    """Reads tags, AND, schedules and weights, in this order, as AUTOMATIC1111 does.

    Every span is one of `text`.

    Args:
        text: a prompt or a negative.
        steps: how many steps the sampler takes, at least 1.
        dialect: its dialect; where it is not `timed`, there is one prompt for all steps.
        strict: a warning among the findings is an error instead.
        after: how many steps a first pass has taken before these, as in `schedule`.
        carried_loras: names of the LoRA files that the caller carries out; strict lets them pass.

    Raises:
        RequestError: no dialect has that name, `steps` is less than 1, or `after` less than 0.
        PromptError: strict, and something cannot be read; `span` is its place.
    """
    target = dialect_named(dialect)
    source = SourceText(text, target)
    parts = compose(source.text, dialect)
    scheduled = [scheduled_texts(part.text, steps, dialect, after=after) for part in parts]
    unread = tuple(finding for part in parts for finding in _unread(source, part)) if target.timed else ()
    unfolded = tuple(
        ScheduledPrompt(part.factor, _prompts(text, source, target, part, texts, unread))
        for part, texts in zip(parts, scheduled, strict=True)
    )
    if strict:
        for scheduled_prompt in unfolded:
            for _, prompt in scheduled_prompt.prompts:
                refuse_warnings(prompt, carried_loras)
    return unfolded


def _unread(source: SourceText, part: SubPrompt) -> tuple[Finding, ...]:
    """The schedules of a part that are not read."""
    return findings_in_source(
        unread_schedules(part.text), lambda span: source.in_source(_shifted(span, part.span[0]))
    )


def _shifted(span: Span, by: int) -> Span:
    return span[0] + by, span[1] + by


def _prompts(
    text: str,
    source: SourceText,
    dialect: Dialect,
    part: SubPrompt,
    scheduled: tuple[ScheduledText, ...],
    unread: tuple[Finding, ...],
) -> tuple[tuple[int, Prompt], ...]:
    known: dict[tuple[object, ...], Prompt] = {}
    for entry in scheduled:
        key = entry.text, entry.origin
        if key not in known:
            prompt = dialect.parse(entry.text, FindingCollector())
            if entry.text != text:

                def in_text(span: Span, entry: ScheduledText = entry) -> Span:
                    return source.in_source(_shifted(entry.source_span(span), part.span[0]))

                prompt = placed(prompt, text, in_text)
            known[key] = source.complete(prompt, unread)
    return tuple((entry.last_step, known[entry.text, entry.origin]) for entry in scheduled)
