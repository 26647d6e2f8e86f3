"""The parts of a receipt, each a frozen value with JSON both ways."""

from typing import Annotated, Literal

from pydantic import AliasChoices, Field

from negspace.frozen import Frozen
from negspace.hires import Hires
from negspace.request import Avoid, Check, LoraUse, Unchecked

Verdict = Literal["seen", "absent", "unknown"]
_Share = Annotated[float, Field(ge=0.0, le=1.0)]
Box = tuple[_Share, _Share, _Share, _Share]
"""A part of a picture as shares of its sides: left, top, right, bottom."""


class Settings(Frozen):
    """How pictures are made, with nothing left open.

    Attributes:
        rule, scale, steps, sampler, width, height: from the request, or the model's defaults.
        hires: the second pass, with its size and steps; None where there is none.
    """

    rule: str
    scale: float
    steps: int
    sampler: str
    width: int
    height: int
    hires: Hires | None = None

    @property
    def last_size(self) -> tuple[int, int]:
        """Width and height in pixels of the pictures that come out."""
        wide, high = (None, None) if self.hires is None else (self.hires.width, self.hires.height)
        return wide or self.width, high or self.height


class TokenRecord(Frozen):
    """What the text encoder read for one chunk of a text.

    Attributes:
        text: the chunk as it was written.
        tokens: the tokens it became, as text.
        known: whether the encoder has learned every word of it; None where the vocabulary is not available.
        cut: whether some of it did not reach the encoder.
    """

    text: str
    weight: float = 1.0
    tokens: tuple[str, ...] = ()
    known: bool | None = None
    cut: bool = False


class SideRecord(Frozen):
    """The text of one side of the conditioning, positive or negative, as it was encoded.

    Attributes:
        text: None where the side was absent.
        windows: how many encoder windows it took.
        tokens: what each chunk became.
    """

    text: str | None
    windows: int = 0
    tokens: tuple[TokenRecord, ...] = ()


class TermRecord(Frozen):
    """One avoided term.

    Attributes:
        term, weight, window, source, locked, check, unchecked: as in the request.
        span: its place in the avoid text; None where it was given as a term.
        channel: how it reached the model: "negative branch", where all terms are one text; "own branch";
            "attention"; several of these; or "nothing". Earlier receipts call it "told".
        tokens: what it became in the encoder.
        known: whether the encoder has learned every content word; None where the vocabulary is not available.
        unknown: the words that it has not learned.
        origins: every source of it, where it was merged from several.
        concept: its words without syntax, as judges look for it.
        effect: "active" where it was part of what made a difference to the pictures, else "inert"; None in
            receipts before this field. Terms of one text make one difference together.
        why_not: why it was inert.
        steps: steps at which it was part of the conditioning, over all pictures and attempts. A step of a
            sampler of second order counts once.
        looked: how many pictures a judge looked for it in.
        seen_before, seen_after: how many of these showed it at the first attempt, and at the attempt that
            counts.
        unclear: in how many of these the judge could not tell, at the attempt that counts.
    """

    term: str
    weight: float = 1.0
    window: tuple[float, float] = (0.0, 1.0)
    source: str = "user"
    locked: bool = False
    check: Check = "none"
    unchecked: Unchecked = "refuse"
    span: tuple[int, int] | None = None
    channel: Annotated[str, Field(validation_alias=AliasChoices("channel", "told"))] = "negative branch"
    tokens: tuple[str, ...] = ()
    known: bool | None = None
    unknown: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    concept: str = ""
    effect: Literal["active", "inert"] | None = None
    why_not: str | None = None
    steps: int = 0
    looked: int = 0
    seen_before: int = 0
    seen_after: int = 0
    unclear: int = 0


class WantedRecord(Frozen):
    """One thing that was to be seen in the pictures.

    Attributes:
        term: its words.
        check: what happens when a judge does not see it.
        source: "prompt" where it is the subject, "user", or "policy@version".
        looked: in how many pictures a judge looked for it; 0 where no judge knows it.
        missing_before, missing_after: in how many of these it was not seen at the first attempt, and at the
            attempt that counts.
    """

    term: str
    check: Check = "retry"
    source: str = "user"
    looked: int = 0
    missing_before: int = 0
    missing_after: int = 0

    def __str__(self) -> str:
        if not self.looked:
            return f"{self.term} [{self.source}] the judge cannot tell whether it is there"
        missing = f"missing in {self.missing_before} of {self.looked} pictures at first"
        return f"{self.term} [{self.source}] {missing} and in {self.missing_after} at last"


class JudgeRecord(Frozen):
    """The judge that looked at the pictures.

    Attributes:
        fingerprint: what its answers depend on: sha256 of weights and thresholds, or an address.
        retries, seconds: the limits within which a picture could be made again.
    """

    name: str
    fingerprint: str
    retries: int
    seconds: float


class JudgeVerdict(Frozen):
    """What one judge says about one concept in one picture.

    Attributes:
        verdict: "seen", "absent", or "unknown" where the judge could not tell, which never counts as absent.
        score: the higher, the more likely the concept is in the picture; None where there is no score.
        threshold: the lowest score that counts as seen, in the same `unit`.
        calibrated: whether the threshold was set from examples.
        why_not: why the verdict is unknown, in plain words.
        boxes: where it was seen; () where the judge does not say.
        words: what was read there, for lettering.
    """

    concept: str
    judge: str
    verdict: Verdict
    score: float | None = None
    threshold: float | None = None
    unit: str = ""
    calibrated: bool = False
    why_not: str | None = None
    boxes: tuple[Box, ...] = ()
    words: str = ""

    def __str__(self) -> str:
        if self.verdict == "unknown":
            return f"{self.concept}: unknown to {self.judge}: {self.why_not}"
        if self.score is None or self.threshold is None:
            return f"{self.concept}: {self.verdict} ({self.judge})"
        sign = ">=" if self.score >= self.threshold else "<"
        unit = f" {self.unit}" if self.unit else ""
        rough = "" if self.calibrated else ", not calibrated"
        return (
            f"{self.concept}: {self.verdict} "
            f"({self.judge} {self.score:.3g} {sign} {self.threshold:.3g}{unit}{rough})"
        )


class AttemptRecord(Frozen):
    """One attempt at a picture. What all attempts have in common is in the receipt's `carried`.

    Attributes:
        seed, scale, avoid: of this attempt.
        rule: of this attempt; None in receipts before this field.
        sha256: of its RGB bytes.
        evaluations: network passes by branch.
        verdicts: what judges saw in it. Earlier receipts call them "sights".
    """

    seed: int
    scale: float
    avoid: str | tuple[Avoid, ...] | None
    rule: str | None = None
    sha256: str
    evaluations: dict[str, int]
    verdicts: Annotated[
        tuple[JudgeVerdict, ...], Field(validation_alias=AliasChoices("verdicts", "sights"))
    ] = ()


class ModelRecord(Frozen):
    """The model that made the pictures.

    Attributes:
        name, family: from its facts.
        fingerprint: sha256 over its weights.
        dtype, device: arithmetic and device of the network.
        rows: rows that went through the network at once; in float32 the last bits of a picture depend on it.
        parts: what replaces its own parts, or was added to them: a text encoder, a LoRA with its weight, a
            whole model in one file; each with its sha256.
    """

    name: str
    family: str
    fingerprint: str
    dtype: str
    device: str
    rows: int
    parts: tuple[str, ...] = ()


class LoraRecord(LoraUse):
    """A LoRA file that was added to the weights.

    Attributes:
        sha256: of the file.
        short_hash: by which AUTOMATIC1111 knows it.
    """

    sha256: str
    short_hash: str

    def __str__(self) -> str:
        return f"{super().__str__()}, sha256 {self.sha256[:12]}"


class Omega(Frozen):
    """One guided step in components: d - d_u = positive (d_c - d_u) - negative (d_n - d_u) + residual.

    GA-Eval, arXiv 2602.22570. Plain guidance at scale w has positive w and negative w - 1. d_n stands for all
    avoided terms; where each has a branch of its own, it is d_u + sum w_j (d_nj - d_u).

    Attributes:
        positive, negative: effective strengths of the step.
        residual: the share of d - d_u that lies in neither direction, 0 to 1.
    """

    positive: float
    negative: float
    residual: float


class ImageRecord(Frozen):
    """One picture.

    Attributes:
        seed: gives this picture alone, further attempts included.
        sha256: of its RGB bytes, rows from the top.
        evaluations: network passes by branch, over all attempts.
        negative_steps: steps at which the negative was part of the conditioning. Earlier receipts call it
            "told".
        push: per evaluation (a sampler of second order takes two a step), the distance of the negative
            predictions in the network's space: |sum w_j (d_nj - d_u)| where the unconditional branch was run,
            else |sum w_j (d_c - d_nj)|; None where none was run, as with a negative in the attention.
        omega: per evaluation, the effective strengths; None where not all predictions that they are
            computed from were run. The rule `traced` runs all of them.
        attempts: every attempt at it; () where no judge looked and it was made once.
        delivered: the number of the attempt whose picture this is; None where it is withheld.
        flags: checks that did not pass, in plain words.
    """

    seed: int
    sha256: str
    evaluations: dict[str, int]
    negative_steps: Annotated[int, Field(validation_alias=AliasChoices("negative_steps", "told"))] = 0
    push: tuple[float | None, ...]
    omega: tuple[Omega | None, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()
    delivered: int | None = 0
    flags: tuple[str, ...] = ()

    @property
    def first_verdicts(self) -> tuple[JudgeVerdict, ...]:
        """What judges saw at the first attempt."""
        return self.attempts[0].verdicts if self.attempts else ()

    @property
    def final_verdicts(self) -> tuple[JudgeVerdict, ...]:
        """What judges saw at the attempt that counts: the delivered one, or else the last."""
        last = -1 if self.delivered is None else self.delivered
        return self.attempts[last].verdicts if self.attempts else ()
