"""How what is avoided reaches a model that has its guidance distilled, or no negative branch.

The routes of a request are tried in its order, and a finding names the one that is taken. Nothing is dropped
in silence.
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

ATTENTION_RULES = ("nag", "vsf")
"""Rules that act on what is avoided in the attention layers; the first that a model can host is taken."""

SECOND_PASS_SCALE = 2.0
"""Scale of a second pass where the request gives none. Distilled weights were not made for any."""


@dataclass(frozen=True)
class Routed:
    """A request with its route to a model.

    Attributes:
        request: as it is carried out.
        wishes: what the prompt asks for instead, by the words of what is avoided.
        findings: which route was taken, and why.
    """

    request: Request
    wishes: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def channel(self, term: Term) -> str | None:
        """The wish that stands for a term; None where there is none."""
        wish = self.wishes.get(words_of(term.avoid.term)) if self.wishes else None
        return None if wish is None else f"the wish {wish!r}"


@cache
def rewrites() -> dict[tuple[str, ...], str]:
    """What to ask for instead, by the words of what is avoided."""
    text = (resources.files("negspace.planning") / "rewrites.yaml").read_text(encoding="utf-8")
    return {words_of(row["avoid"]): row["wish"] for row in yaml.safe_load(text)}


def route(request: Request, facts: ModelFacts, terms: Sequence[Term]) -> Routed:
    """The request by the first of its `routes` that this model has.

    It is left alone where the model has a usable negative branch, nothing is avoided, or the request itself
    says how (by a rule, or a scale other than 1).
    """
    avoided = [term for term in terms if term.avoid.weight]
    decided = request.rule is not None or request.scale not in (None, 1.0)
    if not avoided or decided or (facts.negative_branch and not facts.distilled):
        return Routed(request)
    why = f"{facts.name} {'has its guidance distilled' if facts.distilled else 'has no negative branch'}"
    for name in request.routes:
        match name:
            case "attention":
                routed = _by_attention(request, facts, why)
            case "true-cfg":
                routed = _by_second_pass(request, facts, why)
            case "rewrite":
                routed = _by_rewriting(request, facts, why, avoided)
            case "check":
                break
        if routed is not None:
            return routed
    return Routed(_unguided(request, facts), findings=tuple(_unreached(why, avoided)))


def _by_attention(request: Request, facts: ModelFacts, why: str) -> Routed | None:
    rule = next((name for name in ATTENTION_RULES if name in facts.rules), None)
    if rule is None:
        return None
    text = f"{why}, so {rule} acts on what is avoided in the attention layers, in one pass"
    return Routed(_with(request, rule=rule), findings=(_note(text),))


def _by_second_pass(request: Request, facts: ModelFacts, why: str) -> Routed | None:
    if not facts.negative_branch:
        return None
    text = f"{why}; a second pass was allowed: cfg at scale {SECOND_PASS_SCALE:g}, at twice the cost"
    return Routed(_with(request, rule="cfg", scale=SECOND_PASS_SCALE), findings=(_note(text),))


def _by_rewriting(request: Request, facts: ModelFacts, why: str, terms: Sequence[Term]) -> Routed | None:
    """The prompt with a wish in place of every term that has one; None where none has."""
    words = [(term, words_of(term.avoid.term)) for term in terms]
    wishes = {key: wish for term, key in words if not term.avoid.locked and (wish := rewrites().get(key))}
    if not wishes:
        return None
    added = [wish for wish in dict.fromkeys(wishes.values()) if wish not in request.prompt]
    prompt = ", ".join([request.prompt, *added] if request.prompt.strip() else added)
    findings = (
        *(
            _note(f"{why}, so {term.avoid.term!r} became the wish {wishes[key]!r}", term.span)
            for term, key in words
            if key in wishes
        ),
        *_unreached(why, [term for term, key in words if key not in wishes]),
    )
    return Routed(_with(_unguided(request, facts), prompt=prompt), wishes, findings)


def _unguided(request: Request, facts: ModelFacts) -> Request:
    """The request without guidance where that would damage the picture."""
    return _with(request, scale=1.0) if facts.distilled else request


def _unreached(why: str, terms: Sequence[Term]) -> Iterator[Finding]:
    for term in terms:
        checked = term.avoid.check != "none"
        advice = "only a check looks for it" if checked else "give it a check to have it looked for"
        text = f"{why} and has no way to avoid {term.avoid.term!r}: {advice}"
        yield Finding("route", text, term.span, "avoid")


def _with(request: Request, **changes: object) -> Request:
    return request.model_copy(update=changes)


def _note(text: str, span: tuple[int, int] | None = None) -> Finding:
    return Finding("route", text, span, "avoid", "note")
