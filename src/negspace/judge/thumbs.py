"""Thumbs: what a judge sees more often in disliked pictures than in liked ones, as what to avoid."""

from collections.abc import Mapping, Sequence

from negspace.feedback.revision import Proposal, from_thumbs
from negspace.judge.base import Judge, Picture
from negspace.records import JudgeVerdict


def propose_from_thumbs(
    judge: Judge,
    disliked: Sequence[Picture],
    liked: Sequence[Picture],
    *,
    concepts: Sequence[str] | None = None,
    level: float = 0.05,
) -> tuple[Proposal, ...]:
    """What to avoid, from thumbs alone, the surest first. `negspace.avoid.propose` puts it into a list.

    Args:
        judge: looks at all of them.
        disliked, liked: pictures.
        concepts: what to look for; None is all that the judge can name. A concept that it could not tell in
        one of
            the pictures is left out of the test.
        level: of the family of tests, see `from_thumbs`.

    Raises:
        RequestError: the level is not between 0 and 1.
    """
    asked = judge.concepts() if concepts is None else tuple(concepts)
    seen = judge.look([*disliked, *liked], asked)
    told = [name for index, name in enumerate(asked) if all(row[index].verdict != "unknown" for row in seen)]
    rows = [_seen(sights, told) for sights in seen]
    return from_thumbs(rows[: len(disliked)], rows[len(disliked) :], level=level)


def _seen(sights: Sequence[JudgeVerdict], told: Sequence[str]) -> Mapping[str, bool]:
    return {sight.concept: sight.verdict == "seen" for sight in sights if sight.concept in told}
