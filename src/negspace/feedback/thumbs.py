"""What to avoid, from thumbs alone: concepts that disliked pictures have more often than liked ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb

from negspace.avoid.merging import AvoidList
from negspace.errors import RequestError
from negspace.feedback.lexicon import Concept, Opinion
from negspace.feedback.revision import Revision, apply_opinions
from negspace.request import Avoid


@dataclass(frozen=True)
class Proposal:
    """A concept that disliked pictures have more often than liked ones.

    Attributes:
        concept: its name.
        disliked, liked: in how many of them it was seen.
        p_value: probability of as many or more among the disliked, if dislike had nothing to do with it.
    """

    concept: str
    disliked: int
    liked: int
    p_value: float


def from_thumbs(
    disliked: Sequence[Mapping[str, bool]], liked: Sequence[Mapping[str, bool]], *, level: float = 0.05
) -> tuple[Proposal, ...]:
    """Concepts to avoid, the surest first.

    Fisher's exact test, one-sided, for each concept; with several concepts the levels are those of Holm
    (1979), so that the chance of even one false proposal is at most `level`.

    Args:
        disliked, liked: for each picture, which concepts a judge saw in it; the same concepts everywhere.
        level: of the family of tests.

    Raises:
        RequestError: pictures name different concepts, or the level is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise RequestError(f"level {level} is not between 0 and 1")
    concepts = sorted({concept for picture in (*disliked, *liked) for concept in picture})
    if any(len(picture) != len(concepts) for picture in (*disliked, *liked)):
        raise RequestError("every picture must say of the same concepts whether they were seen")
    tested = [_tested(concept, disliked, liked) for concept in concepts]
    tested.sort(key=lambda proposal: proposal.p_value)
    significant: list[Proposal] = []
    for number, proposal in enumerate(tested):
        if proposal.p_value > level / (len(tested) - number):
            break
        significant.append(proposal)
    return tuple(significant)


def propose(
    avoid_list: AvoidList | str | Sequence[Avoid] | None,
    proposals: Sequence[Proposal],
    of: tuple[int, int],
) -> Revision:
    """The list with what thumbs propose, each a change that names its evidence and can be undone.

    Args:
        avoid_list: the list, or the text or terms of one.
        proposals: as `from_thumbs` returns them.
        of: how many pictures were disliked, and how many liked.

    Raises:
        PromptError: the text of the list cannot be read.
    """
    opinions = [_opinion(proposal, of) for proposal in proposals]
    return apply_opinions(AvoidList.of(avoid_list), ((opinion, opinion.clause) for opinion in opinions))


def _opinion(proposal: Proposal, of: tuple[int, int]) -> Opinion:
    evidence = (
        f"seen in {proposal.disliked} of {of[0]} disliked and {proposal.liked} of {of[1]} liked pictures "
        f"(p = {proposal.p_value:.2g})"
    )
    concept = Concept(proposal.concept, proposal.concept)
    return Opinion(concept, "against", 1.0, False, evidence, read_by="thumbs")


def _tested(
    concept: str, disliked: Sequence[Mapping[str, bool]], liked: Sequence[Mapping[str, bool]]
) -> Proposal:
    bad, good = (sum(picture[concept] for picture in pictures) for pictures in (disliked, liked))
    return Proposal(concept, bad, good, fisher(bad, len(disliked) - bad, good, len(liked) - good))


def fisher(a: int, b: int, c: int, d: int) -> float:
    """P(X >= a) for X hypergeometric: Fisher's exact test of [[a, b], [c, d]], one-sided (Fisher 1935).

    Args:
        a, b: with and without in the first group.
        c, d: with and without in the second.
    """
    first, with_it, whole = a + b, a + c, a + b + c + d
    ways = sum(comb(with_it, k) * comb(whole - with_it, first - k) for k in range(a, min(first, with_it) + 1))
    return ways / comb(whole, first)
