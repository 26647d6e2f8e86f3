"""What a proof found, as frozen values, JSON both ways."""

from typing import Literal, final

from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.lab.outcome import Effect, SideEffect
from negspace.request import Avoid, Request

TermKind = Literal["helps", "harms", "no_evidence", "inert", "unknown"]


@final
class ProofSizes(Frozen):
    """How many pairs a proof makes at most, settled before the first picture.

    Attributes:
        pairs: for each term by itself; it stops earlier where it can.
        least: pairs before a term may stop, so that its numbers are worth reading.
        side: for the whole list, each term left out, and each control.
        fresh: on fresh seeds, to confirm the smallest list.
        tried: for each other scale and rule, on further fresh seeds.
        block: pairs between two looks.
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
        why: in plain words.
        effect: net share of pictures that are as asked only with it; None where none was made.
        interval: of the effect, 95 %, valid at the moment of stopping.
        pairs: how many were made.
        amiss: the effect and its pairs in full; None where none was made.
        there: the same for the term's own thing being in the picture; None where nothing can see it.
        lacking: the same for something wanted not being in the picture.
        needed: what the list loses on being as asked without the term; None where it was not left out.
        evaluations: network passes a picture with it takes.
        extra: how many more than one without a negative.
        tokens: that it takes in the encoder's window.
        changes: what else it changed.
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
    changes: tuple[SideEffect, ...] = ()


@final
class Control(Frozen):
    """A negative, or none, that should not do what the list does.

    Attributes:
        name: "again", "unrelated", "random", "strength".
        told: what it was, in words.
        effect: on being as asked by the whole list, against no negative; None where it was not made.
        identical: for "again", whether every picture was the same bit for bit.
        why_not: why it was not made.
    """

    name: str
    told: str
    effect: Effect | None = None
    identical: bool | None = None
    why_not: str | None = None


@final
class Confirmation(Frozen):
    """The smallest list on fresh seeds.

    Attributes:
        terms: the list that was tried.
        benefit: against no negative.
        against_whole: against the whole list; a positive effect says that the smaller list is better.
        confirmed: whether the benefit was there again (p < 0.05).
        keeps: whether it is shown to keep at least half of the benefit.
    """

    terms: tuple[str, ...]
    benefit: Effect
    against_whole: Effect
    confirmed: bool
    keeps: bool


@final
class Tried(Frozen):
    """Another scale or rule, with the smallest list.

    Attributes:
        told: in words.
        scale, rule, window: what differs; None where it is as asked.
        effect: on being as asked, against the request as asked; positive is better.
        evaluations: network passes a picture takes.
        recommended: whether it is shown to be better, all that were tried taken together.
    """

    told: str
    scale: float | None = None
    rule: str | None = None
    window: tuple[float, float] | None = None
    effect: Effect
    evaluations: int
    recommended: bool


@final
class Findings(Frozen):
    """Everything that a proof found.

    Attributes:
        prompts: seed i is made with prompt i modulo their number.
        asked: the request that every picture starts from, with its first seed.
        sizes: what was settled before the first picture.
        alpha, smallest: chance of a wrong verdict, over all terms and looks; net share worth having.
        model, fingerprint: what made the pictures.
        witness: what looked at them.
        verdicts: by term.
        whole: the whole list against no negative; None where it was not made.
        controls: what else was made, against no negative.
        smallest_list: terms that are enough.
        confirmation: of it; None where no term helps.
        tried: other scales and rules.
        recommendation: in words.
        answer: in one sentence.
        findings: what the plan noticed.
        pictures, evaluations: made and spent in all.
        versions: of the programs involved.
    """

    format: Literal[1] = 1
    prompts: tuple[str, ...]
    asked: Request
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
    tried: tuple[Tried, ...]
    recommendation: str
    answer: str
    findings: tuple[Finding, ...]
    pictures: int
    evaluations: int
    versions: dict[str, str]
