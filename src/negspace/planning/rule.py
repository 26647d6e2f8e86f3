"""Ruling: what a rule, given as text, comes to on a model: its scale, and how it tells what is avoided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose

from negspace.errors import RequestError, no_such
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.request import Request, Route
from negspace.rulefacts import RULE_FACTS, Needs, RuleFacts, Tells
from negspace.ruletext import Call, read
from negspace.strength import STRENGTHS

BRANCH = "negative branch"
_WAYS: dict[Tells, str] = {
    "text": BRANCH,
    "terms": "own branch",
    "joint": "joint branch",
    "attention": "attention",
}
_NEEDS: dict[Needs, str] = {
    "cross-attention": "cross-attention whose processors can be changed",
    "mid self-attention": "self-attention in the middle of the network",
    "self-attention": "attention layers that can be skipped",
    "weak model": "a second, weaker network",
}


@dataclass(frozen=True)
class ResolvedRule:
    """A rule on a model.

    Attributes:
        text: the rule.
        scale: what its scale is.
        chain: its calls from the outside in, the one inside all others last, and what is known of each.
        branch: whether the model can be told what is avoided by a branch.
    """

    text: str
    scale: float
    chain: tuple[tuple[Call, RuleFacts], ...]
    branch: bool

    @property
    def ways(self) -> tuple[str, ...]:
        """How what is avoided reaches the network; () where it does not."""
        return tuple(dict.fromkeys(_WAYS[facts.tells] for _, facts in self._telling()))

    @property
    def branches(self) -> bool:
        """Whether what is avoided is told to a branch."""
        return any(facts.tells != "attention" for _, facts in self._telling())

    def why_inert(self, model: str) -> str | None:
        """Why nothing that is avoided is told, in plain words; None where it is."""
        if self.ways:
            return None
        if not self.branch:
            return f"{model} has no negative branch"
        call, facts = self.chain[-1]
        if self.scale == 1.0 and not facts.at_one:
            return "the scale is 1, where only the prompt is evaluated"
        return f"the strength of {call.name} is 0"

    @property
    def cancels(self) -> bool:
        """Whether avoiding what is wanted leaves nothing to be done."""
        return all(facts.cancels for _, facts in self._telling())

    def _telling(self) -> Iterator[tuple[Call, RuleFacts]]:
        for call, facts in self.chain:
            reachable = facts.tells == "attention" or (facts.tells != "nothing" and self.branch)
            if reachable and not _muted(call) and (facts.at_one or self.scale != 1.0):
                yield call, facts


def ruling(request: Request, facts: ModelFacts) -> ResolvedRule:
    """The rule of a request on a model.

    Raises:
        RequestError: the text is no rule, the model cannot host it, or its scale is no number from 0 on.
    """
    text = facts.rule if request.rule is None else request.rule
    call = read(text)
    _refuse_unknown(call, facts)
    chain = tuple((one, RULE_FACTS[one.name]) for one in call.calls() if one.name in RULE_FACTS)
    if chain[-1][1].wraps:
        chain = (*chain, (Call("cfg"), RULE_FACTS["cfg"]))
    made_for = next((known.scale for _, known in chain if known.scale is not None), facts.scale)
    asked = made_for if request.scale is None else request.scale
    own = next((scale for scale in map(_scale_of, chain) if scale is not None), None)
    scale = asked if own is None else own
    scale = 1.0 if isclose(scale, 1.0, rel_tol=1e-9) else scale  # what a rounding made of 1 runs nothing
    found = ResolvedRule(text, scale, chain, facts.negative_branch)
    if request.rule is not None and not facts.negative_branch and _branching(found):
        told = f"{facts.name} has no negative branch, which rule {chain[-1][0].name} needs; {_instead(facts)}"
        raise RequestError(told)
    return found


def refuse_distilled(found: ResolvedRule, facts: ModelFacts, routes: Sequence[Route] = ()) -> None:
    """Stop where something avoided would be told to a branch of a model that is guidance-distilled.

    A request that names "true-cfg" among its routes allows it.

    Raises:
        RequestError: it would.
    """
    if facts.distilled and found.branches and "true-cfg" not in routes:
        raise RequestError(
            f"{facts.name} has its guidance distilled into the weights: at scale {found.scale:g} a negative "
            f"branch damages the picture; {_instead(facts)}, or allow the second pass by the route true-cfg"
        )


def findings(found: ResolvedRule, request: Request, facts: ModelFacts) -> Iterator[Finding]:
    """What is worth knowing of the scale."""
    if request.scale is not None and request.scale != found.scale:
        told = f"the rule sets its scale to {found.scale:g}, so the scale {request.scale:g} does nothing"
        yield Finding("scale", told)
    made_for = next((call.name for call, known in found.chain if known.scale is not None), None)
    if made_for and request.scale is None and found.scale == 1.0 != facts.scale:
        told = (
            f"{made_for} is made for models that need no other guidance, so the scale is 1; "
            f"{facts.name} is used to scale {facts.scale:g}"
        )
        yield Finding("scale", told, level="note")


def _refuse_unknown(call: Call, facts: ModelFacts) -> None:
    if call.name in STRENGTHS:
        raise RequestError(f"{call.name} is a strength and no rule; write cfg(strength={call})")
    for one in call.calls():
        known = RULE_FACTS.get(one.name)
        if one.name in facts.rules or one.name in STRENGTHS:
            if known and known.needs == "weak model" and not dict(one.named).get("weak"):
                raise RequestError(
                    f'rule {one.name} needs {_NEEDS[known.needs]}: write {one.name}(weak="FOLDER"), a '
                    "diffusers folder of the same kind"
                )
        elif known is None:
            raise RequestError(no_such("rule", one.name, facts.rules))
        else:
            needs = f", which needs {_NEEDS[known.needs]}" if known.needs in _NEEDS else ""
            raise RequestError(f"{facts.name} cannot host rule {one.name}{needs}; {_instead(facts)}")


def _instead(facts: ModelFacts) -> str:
    """What would work on this model."""
    riding = [name for name in facts.rules if name in RULE_FACTS and RULE_FACTS[name].tells == "attention"]
    if facts.distilled or not facts.negative_branch:
        also = f", and to avoid something a rule in its attention: {', '.join(riding)}" if riding else ""
        return f"use scale 1{also}"
    return f"what it can host: {', '.join(facts.rules)}"


def _branching(found: ResolvedRule) -> bool:
    _, leaf = found.chain[-1]
    return found.scale != 1.0 or leaf.at_one


def _scale_of(entry: tuple[Call, RuleFacts]) -> float | None:
    """The scale that a call sets itself; a rule that wraps none takes it first."""
    call, facts = entry
    values = dict(call.named)
    if "scale" in values:
        scale = values["scale"]
    elif call.values and not facts.wraps:
        scale = call.values[0]
    else:
        return None
    if not isinstance(scale, int | float) or scale < 0:
        raise RequestError(f"rule {call.name}: scale must be a number from 0 on (given: {scale})")
    return float(scale)


def _muted(call: Call) -> bool:
    """Whether a call is told to have no strength."""
    values = dict(call.named)
    strength = values.get("strength")
    if isinstance(strength, Call) and strength.name == "constant":
        if 0 in (*strength.values, *dict(strength.named).values()):
            return True
    return values.get("weight") == 0
