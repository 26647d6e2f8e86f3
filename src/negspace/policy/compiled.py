"""Enacted: a policy made ready for requests. What depends on no request is worked out once.

A policy is read once and governs many requests, so what its terms claim, which words ask for them and which
lift them is settled with the policy.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from negspace.avoid.matching import Index, Phrase, phrase
from negspace.avoid.merging import Claim, Rank
from negspace.avoid.terms import as_text
from negspace.request import Avoid

if TYPE_CHECKING:  # a policy holds its enacted form
    from negspace.policy.policy import Policy, PolicyTerm


@dataclass(frozen=True, eq=False)
class CompiledTerm:
    """One term of a policy.

    Attributes:
        term: as the policy says it.
        claim: what it claims, at the time that the policy says.
        locked: whether the policy locks it.
    """

    term: "PolicyTerm"
    claim: Claim
    locked: bool


Articles = Index[tuple[CompiledTerm, ...]]
"""Looks for phrases that concern articles; several may share one."""


@final
class CompiledPolicy:
    """A policy made ready.

    Attributes:
        articles: its terms, in order.
        fingerprint: of the policy.
        lifts: phrases of a prompt that lift articles by an exception.
        wishes: phrases of a prompt that ask for articles which are not locked.
        forbidden: phrases of a prompt that ask for locked ones.
    """

    def __init__(self, policy: "Policy") -> None:
        self.articles = tuple(map(_article, policy.avoid))
        self.fingerprint = policy.fingerprint
        self.lifts = exceptions_to(self.articles)
        self.wishes = wishes_for(one for one in self.articles if not one.locked)
        self.forbidden = wishes_for(one for one in self.articles if one.locked)


def exceptions_to(articles: Iterable[CompiledTerm]) -> Articles:
    """Looks for what lifts articles."""
    return _gathered((phrase(word), one) for one in articles for word in one.term.unless)


def wishes_for(articles: Iterable[CompiledTerm]) -> Articles:
    """Looks for what asks for articles."""
    return _gathered((said, one) for one in articles for said in one.term.phrases)


def _gathered(pairs: Iterable[tuple[Phrase, CompiledTerm]]) -> Articles:
    gathered: dict[Phrase, tuple[CompiledTerm, ...]] = {}
    for said, one in pairs:
        gathered[said] = (*gathered.get(said, ()), one)
    return Index(gathered.items())


def _article(term: "PolicyTerm") -> CompiledTerm:
    locked = bool(term.locked)
    avoid = Avoid(
        term=as_text(term.term),
        weight=term.weight,
        window=term.window,
        source=term.origin,
        locked=locked,
        check=term.check,
        unchecked=term.unchecked or "refuse",
    )
    return CompiledTerm(term, Claim.of(avoid, Rank.LOCKED if locked else Rank.POLICY), locked)
