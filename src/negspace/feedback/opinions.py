"""The opinions of a clause on what it is about, and how strongly it holds them."""

from collections.abc import Sequence

from negspace.feedback import cues
from negspace.feedback.clauses import Clause
from negspace.feedback.lexicon import Opinion, Polarity
from negspace.feedback.targets import Target, unknown


def opinions_of(
    clause: Clause,
    targets: Sequence[Target],
    polarity: Polarity,
    *,
    by_degree: bool = False,
    praise: bool = False,
) -> tuple[Opinion, ...]:
    """An opinion on each target of a clause.

    Args:
        clause: says it.
        targets: what it is about.
        polarity: against or for them.
        by_degree: whether it is against too much of them, whatever its words are.
        praise: whether it is for them by praise alone.
    """
    by_degree = by_degree or cues.find("degree", clause.plain) is not None
    # to want a hand is not to want a bad one
    meant = targets if polarity == "against" or praise else [as_thing(target) for target in targets]
    return tuple(
        Opinion(target.concept, polarity, _strength(clause), by_degree, clause.text, praise=praise)
        for target in dict.fromkeys(meant)
    )


def as_thing(target: Target) -> Target:
    """A part or a quality as a thing of its own."""
    return unknown(target.concept.name.split())[0] if target.kind in ("part", "wanted") else target


def _strength(clause: Clause) -> float:
    if cues.find("slight", clause.plain):
        return 0.75
    return 1.3 if clause.loud or cues.find("strong", clause.plain) else 1.0
