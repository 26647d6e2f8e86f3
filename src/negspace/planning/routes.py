"""Routes: how what is avoided reaches a model whose weights have guidance distilled into them, or no branch.

They are tried in the request's order and the one that is taken is said. Nothing is dropped in silence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

import yaml

from negspace.avoid.terms import Term, words_of
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.request import Request

RIDING = ("nag", "vsf")
"""Rules that tell what is avoided in the attention, the one that is taken first before the others."""

SECOND_PASS = 2.0
"""Scale of a second pass that is allowed and given none. Distilled weights were not made for any."""


@dataclass(frozen=True)
class Routed:
    """A request on its way to a model.

    Attributes:
        request: as it is carried out.
        wishes: what is wished for instead, by the words of what is avoided.
        findings: which way was taken, and why.
    """

    request: Request
    wishes: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def way(self, term: Term) -> str | None:
        """The wish that stands for a term; None where none does."""
        wish = self.wishes.get(words_of(term.avoid.term)) if self.wishes else None
        return None if wish is None else f"the wish {wish!r}"


@cache
def rewrites() -> dict[tuple[str, ...], str]:
    """What to wish for instead, by the words of what is avoided."""
    text = (resources.files("negspace.planning") / "rewrites.yaml").read_text(encoding="utf-8")
    return {words_of(row["avoid"]): row["wish"] for row in yaml.safe_load(text)}


def route(request: Request, facts: ModelFacts, terms: Sequence[Term]) -> Routed:
    """The first way of the request's `routes` that this model has.

    Where the model can be told, nothing is avoided, or the request says itself how (by a rule, or a scale
    other than 1), it is left alone.
    """
    told = [term for term in terms if term.avoid.weight]
    asked = request.rule is not None or request.scale not in (None, 1.0)
    if not told or asked or (facts.negative_branch and not facts.distilled):
        return Routed(request)
    why = f"{facts.name} {'has its guidance distilled' if facts.distilled else 'has no negative branch'}"
    for way in request.routes:
        match way:
            case "attention":
                riding = next((name for name in RIDING if name in facts.rules), None)
                if riding is not None:
                    said = f"{why}, so {riding} tells what is avoided in its attention, in one pass"
                    return Routed(_with(request, rule=riding), findings=(_note(said),))
            case "true-cfg":
                if facts.negative_branch:
                    said = (
                        f"{why}; a second pass was allowed: cfg at scale {SECOND_PASS:g}, at twice the cost"
                    )
                    return Routed(_with(request, rule="cfg", scale=SECOND_PASS), findings=(_note(said),))
            case "rewrite":
                if routed := _rewritten(request, facts, why, told):
                    return routed
            case "check":
                break
    return Routed(_quiet(request, facts), findings=tuple(_unsaid(why, told)))


def _rewritten(request: Request, facts: ModelFacts, why: str, terms: Sequence[Term]) -> Routed | None:
    """Wishes in the prompt for what has one; None where nothing has."""
    known = {
        words: wish
        for term in terms
        if not term.avoid.locked and (wish := rewrites().get(words := words_of(term.avoid.term)))
    }
    if not known:
        return None
    wishes = tuple(wish for wish in dict.fromkeys(known.values()) if wish not in request.prompt)
    prompt = ", ".join((request.prompt, *wishes)) if request.prompt.strip() else ", ".join(wishes)
    rest = [term for term in terms if words_of(term.avoid.term) not in known]
    said = (
        Finding(
            "route",
            f"{why}, so {term.avoid.term!r} became the wish {known[words]!r}",
            term.span,
            "avoid",
            "note",
        )
        for term in terms
        if (words := words_of(term.avoid.term)) in known
    )
    return Routed(_with(_quiet(request, facts), prompt=prompt), known, (*said, *_unsaid(why, rest)))


def _quiet(request: Request, facts: ModelFacts) -> Request:
    """Without guidance where it would do harm."""
    return _with(request, scale=1.0) if facts.distilled else request


def _unsaid(why: str, terms: Sequence[Term]) -> Iterator[Finding]:
    for term in terms:
        checked = term.avoid.check != "none"
        looked = "only a check looks for it" if checked else "give it a check to have it looked for"
        told = f"{why} and knows no way to be told {term.avoid.term!r}: {looked}"
        yield Finding("route", told, term.span, "avoid")


def _with(request: Request, **changes: object) -> Request:
    return request.model_copy(update=changes)


def _note(text: str) -> Finding:
    return Finding("route", text, side="avoid", level="note")
