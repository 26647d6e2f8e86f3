"""Unfolding: all that a text says, in one call: its prompts, and their chunks for each of the steps."""

from dataclasses import dataclass, replace

from negspace.prompt.composition import SubPrompt, compose
from negspace.prompt.dialects import parse
from negspace.prompt.reading import insist
from negspace.prompt.schedules import ScheduledText, moments
from negspace.prompt.tree import Chunk, Prompt, Span


@dataclass(frozen=True)
class Strand:
    """One of the prompts in a text, as it changes over the steps.

    Attributes:
        factor: what its direction is multiplied with: the weight after AND, negative after AND NOT.
        prompts: (last step, prompt) in order, counted from 1; the last one holds up to the last step.
    """

    factor: float
    prompts: tuple[tuple[int, Prompt], ...]

    def at(self, step: int) -> Prompt:
        """The prompt that holds at a step, counted from 1."""
        return next((prompt for last, prompt in self.prompts if step <= last), self.prompts[-1][1])


def unfold(
    text: str, steps: int, dialect: str = "a1111", strict: bool = False, *, after: int = 0
) -> tuple[Strand, ...]:
    """Reads AND, then schedules, then weights, as AUTOMATIC1111 does. Every span is one of `text`.

    Args:
        text: a prompt or a negative.
        steps: how many steps the sampler takes, at least 1.
        dialect: its grammar; without AND and schedules there is one strand with one prompt.
        strict: a warning among the findings is an error instead.
        after: how many steps a first pass has taken before these, as in `schedule`.

    Raises:
        RequestError: no dialect has that name, `steps` is less than 1, or `after` less than 0.
        PromptError: strict, and something cannot be read; `span` says where.
    """
    return tuple(
        Strand(
            part.factor,
            tuple(_prompts(text, part, moments(part.text, steps, dialect, after=after), dialect, strict)),
        )
        for part in compose(text, dialect)
    )


def _prompts(
    text: str, part: SubPrompt, told: tuple[ScheduledText, ...], dialect: str, strict: bool
) -> list[tuple[int, Prompt]]:
    known: dict[tuple[object, ...], Prompt] = {}
    for moment in told:
        key = moment.text, moment.origin
        if key not in known:
            prompt = parse(moment.text, dialect)
            known[key] = prompt if moment.text == text else _placed(prompt, text, part, moment)
        if strict:
            insist(known[key])
    return [(moment.last_step, known[moment.text, moment.origin]) for moment in told]


def _placed(prompt: Prompt, text: str, part: SubPrompt, moment: ScheduledText) -> Prompt:
    """The prompt of a moment with its spans in the whole text."""

    def place(span: Span) -> Span:
        start, end = moment.place(span)
        return start + part.span[0], end + part.span[0]

    return replace(
        prompt,
        source=text,
        excerpt=moment.text,
        chunks=tuple(
            Chunk(chunk.text, chunk.weight, place(chunk.span), chunk.kind) for chunk in prompt.chunks
        ),
        findings=tuple(
            found if found.span is None else replace(found, span=place(found.span))
            for found in prompt.findings
        ),
    )
