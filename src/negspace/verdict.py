"""Sight: what one judge says of one concept in one picture, as a value that travels in receipts."""

from typing import Literal

from negspace.frozen import Frozen

Verdict = Literal["seen", "absent", "unknown"]


class JudgeVerdict(Frozen):
    """What was seen of one concept in one picture.

    Attributes:
        concept: as it was asked for.
        judge: who looked.
        verdict: "seen", "absent", or "unknown" where the judge could not tell. Unknown is never absent.
        score: the more, the more likely it is there; None where there is none.
        threshold: the score from which on it counts as seen.
        unit: of both.
        calibrated: whether the threshold was set from examples.
        why_not: why it is unknown, in plain words.
    """

    concept: str
    judge: str
    verdict: Verdict
    score: float | None = None
    threshold: float | None = None
    unit: str = ""
    calibrated: bool = False
    why_not: str | None = None

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
