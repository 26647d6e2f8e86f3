"""What a proof found, as frozen values that are read from JSON and written as JSON."""

from typing import Literal, final

from pydantic import AliasChoices, Field

from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.lab.effects import Effect, SideEffect
from negspace.request import Avoid, Request

TermKind = Literal["helps", "harms", "no_evidence", "inert", "unknown"]


@final
class ProofSizes(Frozen):
    """How many pairs of pictures a proof makes at most, settled before the first one.

    Attributes:
        pairs: for each term by itself; a term that is decided earlier needs fewer.
        least: pairs before a term may stop, so that its numbers are worth reading.
        side: for the whole list, each term left out, and each control.
        fresh: on fresh seeds, to confirm the smallest list.
        tried: for each alternative, on further fresh seeds.
        block: pairs after which the evidence is inspected again; see `Question.block` for several prompts.
    """

    pairs: int = 120
    least: int = 24
    side: int = 24
    fresh: int = 40
    tried: int = 24
    block: int = 8


@final
class TermVerdict(Frozen):
    """What one avoided term does.

    Attributes:
        term: as it is avoided, with its weight and window.
        kind: "helps", more pictures are as asked with it than without; "harms", fewer are; "no_evidence";
            "inert", it cannot act; "unknown", the text encoder has learned none of its words.
        effect: net share of pictures that are as asked only with the term; None if no picture was made.
        interval: of the effect, 95 %, valid at the moment of stopping.
        amiss: the effect on not being as asked, with its pairs; None if no picture was made.
        there: the effect on what the term names being in the picture; None if nothing can see that.
        lacking: the effect on something wanted missing in the picture; None if nothing can see that.
        needs: what it would take to say whether the term should stay; "" where the verdict says it.
        needed: how the list gets worse without the term; None if the term was not left out.
        evaluations: network evaluations of a picture with the term.
        extra: how many more these are than without a negative.
        tokens: of the term in the encoder's window.
        changes: what else the term changed.
    """

    term: Avoid
    kind: TermKind
    why: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    pairs: int = 0
    amiss: Effect | None = None
    there: Effect | None = None
    lacking: Effect | None = None
    needed: Effect | None = None
    evaluations: int = 0
    extra: int = 0
    tokens: int = 0
    needs: str = ""
    changes: tuple[SideEffect, ...] = ()


@final
class Control(Frozen):
    """A request that should not do what the list does.

    Attributes:
        name: "again", "unrelated", "random" or "strength".
        description: what was requested, in words; "told" in files of older versions.
        effect: on being as asked by the whole list, against no negative; None if no picture was made.
        identical: for "again", whether every picture was the same bit for bit.
        why_not: why no picture was made.
    """

    name: str
    description: str = Field(validation_alias=AliasChoices("description", "told"))
    effect: Effect | None = None
    identical: bool | None = None
    why_not: str | None = None


@final
class Confirmation(Frozen):
    """The smallest list on fresh seeds.

    Attributes:
        benefit: of the list, against no negative.
        against_whole: against the whole list; positive if the smaller list is better.
        confirmed: whether the benefit was found again (p < 0.05).
        keeps: whether at least half of the benefit is shown to be kept.
    """

    terms: tuple[str, ...]
    benefit: Effect
    against_whole: Effect
    confirmed: bool
    keeps: bool


@final
class AlternativeResult(Frozen):
    """What an alternative did with the smallest list.

    Attributes:
        description: in words; "told" in files of older versions.
        scale, rule, window: what differs; None keeps that of the request.
        effect: on being as asked, against the request; positive is better.
        evaluations: network evaluations of a picture.
        recommended: whether it is shown to be better, all alternatives taken together.
    """

    description: str = Field(validation_alias=AliasChoices("description", "told"))
    scale: float | None = None
    rule: str | None = None
    window: tuple[float, float] | None = None
    effect: Effect
    evaluations: int
    recommended: bool


@final
class ProofResult(Frozen):
    """Everything that a proof found.

    Attributes:
        prompts: drawn at random by seed; the verdicts are about all of them, each counting alike.
        request: what every picture starts from, with the first seed; "asked" in files of older versions.
        alpha: chance of a wrong verdict, over all terms and inspections.
        smallest: the smallest net share of pictures that is worth having.
        model, fingerprint, witness: what made the pictures, and what looked at them.
        verdicts: by term.
        whole: the whole list against no negative; None if no picture was made.
        controls: requests that should not do what the list does, against no negative.
        smallest_list: the terms that are enough.
        confirmation: of the smallest list; None if no term helps.
        tried: alternatives to the scale and rule of the request.
        recommendation, answer: in words.
        findings: of the plan.
        pictures, evaluations: how many there were in all.
        versions: of the programs involved.
    """

    format: Literal[1] = 1
    prompts: tuple[str, ...]
    request: Request = Field(validation_alias=AliasChoices("request", "asked"))
    sizes: ProofSizes
    alpha: float
    smallest: float
    model: str
    fingerprint: str
    witness: str
    verdicts: dict[str, TermVerdict]
    whole: Effect | None
    controls: tuple[Control, ...]
    smallest_list: tuple[str, ...]
    confirmation: Confirmation | None
    tried: tuple[AlternativeResult, ...]
    recommendation: str
    answer: str
    findings: tuple[Finding, ...]
    pictures: int
    evaluations: int
    versions: dict[str, str]
