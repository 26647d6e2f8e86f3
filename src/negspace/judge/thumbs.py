"""Proposals from thumbs: what a judge sees more often in disliked pictures than in liked ones."""

from collections.abc import Mapping, Sequence

from negspace.feedback.thumbs import Proposal, from_thumbs
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
    """What to avoid, from thumbs alone, the surest first. `negspace.feedback.propose` puts it into a list.

    Args:
        judge: looks at all pictures.
        disliked, liked: pictures.
        concepts: what to look for; None is all that the judge can list. A concept that it could not decide in
            one of the pictures is left out of the test.
        level: of the family of tests, see `from_thumbs`.

    Raises:
        RequestError: the level is not between 0 and 1.
    """
    names = judge.concepts() if concepts is None else tuple(concepts)
    rows = judge.look([*disliked, *liked], names)
    decided = {name for i, name in enumerate(names) if all(row[i].verdict != "unknown" for row in rows)}
    seen = [_seen(row, decided) for row in rows]
    return from_thumbs(seen[: len(disliked)], seen[len(disliked) :], level=level)


def _seen(verdicts: Sequence[JudgeVerdict], decided: set[str]) -> Mapping[str, bool]:
    return {verdict.concept: verdict.verdict == "seen" for verdict in verdicts if verdict.concept in decided}
