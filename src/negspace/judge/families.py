"""Families of defects that come together: several names of them are one defect and not many.

A watermark is text, and so is a user name. Whoever adds up what is seen would count such a picture three
times, so a family counts once, with the noisy-or of its members: p = 1 - product of (1 - p_i).
"""

from collections.abc import Iterable
from math import prod
from typing import Final

from negspace.avoid.matching import phrase
from negspace.records import JudgeVerdict

_MEMBERS: Final = {
    "marks": "text, lettering, watermark, signature, username, artist name, web address, url, logo, "
    "gibberish, gibberish text, garbled text, caption",
    "sharpness": "blurry, blurred, blur, out of focus, unsharp, soft focus",
    "grain": "noise, noisy, grain, grainy, jpeg artifacts, compression artifacts, blocky, low quality",
    "exposure": "overexposed, underexposed, too bright, too dark, blown out",
    "colour": "oversaturated, garish, monochrome, greyscale, desaturated, flat colour, blank",
    "nudity": "nudity, nude, naked, nsfw, porn, topless, explicit sex, sexual content",
    "violence": "gore, gory, blood, bloody, violence, dismemberment, mutilated",
    "hands": "extra fingers, bad hands, missing fingers, malformed hands, extra digit",
    "anatomy": "bad anatomy, extra limbs, missing limbs, deformed",
}
_FAMILIES: Final = {phrase(word): family for family, words in _MEMBERS.items() for word in words.split(", ")}


def family_of(term: str) -> str:
    """The family that a term belongs to; its own name where it belongs to none."""
    return _FAMILIES.get(phrase(term), term)


def defects(verdicts: Iterable[JudgeVerdict]) -> dict[str, float]:
    """How likely each family is in a picture, of those in which something is seen.

    A verdict without a probability counts as certain.
    """
    members: dict[str, list[float]] = {}
    for verdict in verdicts:
        if verdict.verdict == "seen":
            members.setdefault(family_of(verdict.concept), []).append(_probability(verdict))
    return {family: 1 - prod(1 - share for share in shares) for family, shares in members.items()}


def _probability(verdict: JudgeVerdict) -> float:
    likely = verdict.unit in ("probability", "P(yes)") and verdict.score is not None
    return verdict.score if likely and verdict.score is not None else 1.0
