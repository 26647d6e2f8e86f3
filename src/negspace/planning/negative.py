"""The negative side of a plan: its text, what of it acts when, and what becomes of each avoided term."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import AliasChoices, ConfigDict, Field

from negspace.avoid.terms import Term, is_plain, unfolded
from negspace.frozen import Frozen
from negspace.planning.estimates import TextEstimator
from negspace.prompt import Chunk, Prompt, parse, write
from negspace.prompt.reading import format_weight
from negspace.request import Avoid

NOT_AT_ALL = "nothing"
CHECK_ONLY = "check only"


@dataclass(frozen=True, slots=True)
class PlannedTerm:
    """One avoided term and how it reaches the model.

    Attributes:
        avoid: the term as asked.
        span: its place in the negative; None where it was given as a term or for another encoder.
        channel: how it reaches the model: "negative branch", where all terms are one text; "own branch";
            "attention"; or several of these. Where there is no way, "check only" if a judge looks for it in
            the picture, else "nothing". Earlier plans call it "told".
        tokens: how many tokens it will take, estimated without the tokenizer.
        known: whether every content word is one the encoder has learned; None where nobody knows.
        unknown: the words that are not.
        origins: everyone who asked for it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    avoid: Avoid
    span: tuple[int, int] | None
    channel: Annotated[str, Field(validation_alias=AliasChoices("channel", "told"))]
    tokens: int
    known: bool | None
    unknown: tuple[str, ...]
    origins: tuple[str, ...] = ()


class Stage(Frozen):
    """The negative up to a share of the steps.

    Attributes:
        until: the share of the steps at which it ends.
        text: of the negative; None where there is none.
    """

    until: float
    text: str | None


class NegativeGroup(Frozen):
    """The terms that are told apart from the others, so that these cannot weaken them.

    Attributes:
        name: "locked" or "others".
        stages: what of their text acts when.
        tokens: how many their text takes, estimated.
    """

    name: str
    stages: tuple[Stage, ...]
    tokens: int

    def text_at(self, progress: float) -> str | None:
        """Their text at a share of the steps in [0, 1)."""
        return text_at(self.stages, progress)


def text_at(stages: Sequence[Stage], progress: float) -> str | None:
    """The text of the stage at a share of the steps in [0, 1)."""
    return next((stage.text for stage in stages if progress < stage.until), stages[-1].text)


@dataclass(frozen=True)
class Negative:
    """The text of the negative side.

    Attributes:
        text: all of it; None where there is none.
        dialect: its grammar.
        steps: of the sampler, which schedules in it refer to.
        tokens: how many it takes, estimated.
    """

    text: str | None
    dialect: str
    steps: int
    tokens: int

    def prompts(self) -> list[Prompt]:
        """The text as it is read."""
        return prompts_of(self.text or "", self.dialect, self.steps)


def prompts_of(text: str, dialect: str, steps: int) -> list[Prompt]:
    """Every prompt that a text holds at some step."""
    return [prompt for scheduled in unfolded(text, steps, dialect) for _, prompt in scheduled.prompts]


def stages_of(avoid: str | Sequence[Avoid] | None, text: str | None, dialect: str) -> tuple[Stage, ...]:
    """The stages of the negative. A text has its times in its schedules, terms have them in their windows.

    Args:
        avoid: what is avoided.
        text: all of it, `negative_text`.
        dialect: its grammar.
    """
    if avoid is None or isinstance(avoid, str) or all(term.window == (0.0, 1.0) for term in avoid):
        return (Stage(until=1.0, text=None if avoid == () else text),)
    edges = sorted({edge for term in avoid for edge in term.window} | {0.0, 1.0})
    stages: list[Stage] = []
    for start, stop in pairwise(edges):
        active = [term for term in avoid if term.window[0] <= start < term.window[1]]
        stages.append(Stage(until=stop, text=negative_text(active, dialect) if active else None))
    return tuple(stages)


def negative_text(avoid: str | Sequence[Avoid] | None, dialect: str) -> str | None:
    """What is avoided as one text.

    Raises:
        PromptError: the dialect cannot write the weight of a term.
    """
    if avoid is None or isinstance(avoid, str):
        return avoid
    return ", ".join(_weighted(term, dialect) for term in avoid)


def _weighted(avoid: Avoid, dialect: str) -> str:
    """The term's own text, with its weight as the dialect writes weights."""
    if avoid.weight == 1.0:
        return avoid.term
    if dialect == "a1111" and is_plain(avoid.term):
        return f"({avoid.term}:{format_weight(avoid.weight)})"
    read = parse(avoid.term, dialect)
    chunks = tuple(
        chunk if chunk.kind == "break" else Chunk(chunk.text, chunk.weight * avoid.weight, chunk.span)
        for chunk in read.chunks
    )
    return write(Prompt(chunks, dialect, read.source))


def tokens_of_list(terms: Sequence[PlannedTerm]) -> int:
    """How many tokens terms take in one text, with the commas between them."""
    return sum(term.tokens for term in terms) + max(len(terms) - 1, 0)


def needs_a_judge(avoid: Avoid) -> bool:
    """Whether no picture may be made without a judge that knows the term."""
    return avoid.check == "block" and avoid.unchecked == "refuse"


def planned_term(
    term: Term, estimator: TextEstimator, dialect: str, channel: str | None, origins: tuple[str, ...]
) -> PlannedTerm:
    """A term with what the encoders will make of it.

    Args:
        term: what is avoided.
        estimator: of the model.
        dialect: in which the term is written.
        channel: how it reaches the model; None where it does not.
        origins: everyone who asked for it.
    """
    text = term.avoid.term
    estimate = estimator.estimate(text if is_plain(text) else parse(text, dialect).clean)
    return PlannedTerm(
        avoid=term.avoid,
        span=term.span,
        channel=channel or (NOT_AT_ALL if term.avoid.check == "none" else CHECK_ONLY),
        tokens=estimate.tokens,
        known=None if estimate.unknown is None or not estimate.content else not estimate.unknown,
        unknown=estimate.unknown or (),
        origins=origins,
    )
