"""The rule of a request on a model: its scale, and how it passes on what is avoided."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, isclose
from typing import Any

from negspace.errors import RequestError, no_such
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.guidance.base import Delivery, Rule, Wrapper
from negspace.guidance.branch import Need
from negspace.guidance.catalogue import RULES
from negspace.guidance.rules.locked import Locked
from negspace.guidance.text import make
from negspace.request import Request, Route
from negspace.ruletext import Call, read
from negspace.strength import STRENGTHS, Moment

BRANCH = "negative branch"
JOINT_BRANCH = "joint branch"
_CHANNELS: dict[Delivery, str] = {
    "text": BRANCH,
    "terms": "own branch",
    "joint": JOINT_BRANCH,
    "attention": "attention",
}
_NEEDS: dict[Need, str] = {
    "cross-attention": "cross-attention whose processors can be changed",
    "mid self-attention": "self-attention in the middle of the network",
    "self-attention": "attention layers that can be skipped",
    "weak model": "a second, weaker network",
}

_SIGMA = "sigma"

_Link = tuple[Call, type[Rule[Any]]]


@dataclass(frozen=True)
class ResolvedRule:
    """A rule on a model.

    Attributes:
        text: the rule.
        scale: the value of its scale.
        chain: the rule, the one inside it, and so on.
        branch: whether the model has a negative branch.
        steps: of the request, without those that are skipped.
    """

    text: str
    scale: float
    chain: tuple[Rule[Any], ...]
    branch: bool
    steps: Sequence[Moment]

    @property
    def channels(self) -> tuple[str, ...]:
        """How what is avoided reaches the network; () where it does not."""
        return tuple(dict.fromkeys(_CHANNELS[rule.delivery] for rule in self._delivering()))

    @property
    def uses_branch(self) -> bool:
        """Whether a branch of the network reads what is avoided."""
        return any(rule.delivery != "attention" for rule in self._delivering())

    @property
    def weighs_terms(self) -> bool:
        """Whether each term is evaluated by itself, so that its weight is a strength and not in a text."""
        deliveries = {rule.delivery for rule in self._delivering()}
        return bool(deliveries) and deliveries <= {"terms"}

    def why_inert(self, model: str) -> str | None:
        """Why what is avoided does not reach the network, in plain words; None where it does."""
        if self.channels:
            return None
        if not self.branch:
            return f"{model} has no negative branch"
        rule = self.chain[-1]
        if self.scale == 1.0 and not rule.acts_at_scale_1:
            return "the scale is 1, where only the prompt is evaluated"
        return (
            f"the strength of {rule.name} is 0, or its warm-up lasts, at every step of {self.steps[0].count}"
        )

    def _delivering(self) -> Iterator[Rule[Any]]:
        for rule in self.chain:
            reachable = rule.delivery == "attention" or (rule.delivery != "nothing" and self.branch)
            if reachable and (rule.acts_at_scale_1 or self.scale != 1.0) and self._reaches(rule):
                yield rule

    def _reaches(self, rule: Rule[Any]) -> bool:
        """Whether a rule acts at any step; how the noise falls is not known before anything runs."""
        return _SIGMA in self.text or any(map(rule.reaches, self.steps))


def resolve_rule(request: Request, facts: ModelFacts, steps: int) -> ResolvedRule:
    """The rule of a request on a model.

    Raises:
        RequestError: the text is no rule, the model cannot host it, or a setting is out of its range.
    """
    text = facts.rule if request.rule is None else request.rule
    call = read(text)
    _refuse_unknown(call, facts)
    chain = _chain(call)
    made_for = (kind.made_for_scale for _, kind in chain if kind.made_for_scale is not None)
    requested = next(made_for, facts.scale) if request.scale is None else request.scale
    own = next((scale for scale in map(_scale_of, chain) if scale is not None), None)
    scale = requested if own is None else own
    scale = 1.0 if isclose(scale, 1.0, rel_tol=1e-9) else scale  # 1 up to rounding evaluates no negative
    first = 0 if request.start is None else request.start.skipped(steps)
    moments = tuple(Moment(index, steps, inf) for index in range(first, steps))
    rule = ResolvedRule(text, scale, _nested(make(text, scale=scale)), facts.negative_branch, moments)
    if request.rule is not None and not facts.negative_branch and _needs_branch(rule):
        name = rule.chain[-1].name
        raise RequestError(
            f"{facts.name} has no negative branch, which rule {name} needs; {_alternatives(facts)}"
        )
    return rule


def refuse_distilled(rule: ResolvedRule, facts: ModelFacts, routes: Sequence[Route] = ()) -> None:
    """Refuse to run a negative branch on a model that is guidance-distilled.

    A request that names "true-cfg" among its routes allows it; a model of few steps may be a merge that is
    made for it, and a finding says so.

    Raises:
        RequestError: the rule would run one.
    """
    if facts.distilled and not facts.few_steps and rule.uses_branch and "true-cfg" not in routes:
        raise RequestError(
            f"{facts.name} has its guidance distilled into the weights: at scale {rule.scale:g} a negative "
            f"branch damages the picture; {_alternatives(facts)}, or allow the second pass by the route "
            "true-cfg"
        )


def findings(rule: ResolvedRule, request: Request, facts: ModelFacts) -> Iterator[Finding]:
    """Findings on the scale, and on where it comes from."""
    if facts.named_few_steps and (request.scale is None or request.steps is None):
        text = (
            f"{facts.name} is run as any other model, in {facts.steps} steps at scale {facts.scale:g}; if it "
            "is distilled to a few steps, as its name has it, say how: --few-step turbo, lightning, hyper, "
            "lcm, dmd or tcd; if not, --few-step none"
        )
        yield Finding("few-steps-by-name", text)
    if request.scale is not None and request.scale != rule.scale:
        text = f"the rule sets its scale to {rule.scale:g}, so the scale {request.scale:g} does nothing"
        yield Finding("scale", text)
    made_for = next((part.name for part in rule.chain if part.made_for_scale is not None), None)
    if made_for and request.scale is None and rule.scale == 1.0 != facts.scale:
        text = (
            f"{made_for} is made for models that need no other guidance, so the scale is 1; "
            f"{facts.name} is used to scale {facts.scale:g}"
        )
        yield Finding("scale", text, level="note")
    yield from _declared(rule, request, facts)
    yield from _useless_scale(rule, request, facts)
    if request.avoid and rule.channels:
        for text in (text for part in rule.chain for text in part.remarks(rule.steps[0].count)):
            yield Finding("rule", text)


def _declared(rule: ResolvedRule, request: Request, facts: ModelFacts) -> Iterator[Finding]:
    """A second branch on a model of few steps, and a scheduler that another one stands for."""
    if facts.few_steps and rule.uses_branch:
        text = (
            f"{facts.name} is distilled to a few steps ({facts.few_steps}); at scale {rule.scale:g} it has a "
            "second branch, which some merges are made for and others are damaged by"
        )
        yield Finding("few-steps-scale", text)
    if facts.scheduler and request.sampler is None:
        text = (
            f"{facts.name} comes with {facts.scheduler}, which is not run here; {facts.sampler} stands for it"
        )
        yield Finding("scheduler-replaced", text)


def _useless_scale(rule: ResolvedRule, request: Request, facts: ModelFacts) -> Iterator[Finding]:
    """A scale where nothing is avoided, on a model for which that means no second branch to compare with."""
    avoided = request.avoid is not None or any(text is not None for text in request.other_avoids)
    innermost = rule.chain[-1]
    compares = innermost.delivery != "text" or innermost.acts_at_scale_1
    if facts.absent == "none" and not avoided and not compares and rule.scale != 1.0:
        text = (
            f"the scale {rule.scale:g} does nothing: {facts.name} compares the prompt with a negative, "
            "and there is none"
        )
        if facts.guidance is not None:
            text += "; the guidance value (--guidance) is what it reads"
        yield Finding("scale", text)


def _nested(rule: Rule[Any]) -> tuple[Rule[Any], ...]:
    return (rule, *(_nested(rule.inner) if isinstance(rule, Wrapper) else ()))


def _refuse_unknown(call: Call, facts: ModelFacts) -> None:
    if call.name in STRENGTHS:
        raise RequestError(f"{call.name} is a strength and no rule; write cfg(strength={call})")
    for part in call.calls():
        if part.name not in STRENGTHS:
            _refuse_unhosted(part, facts)


def _refuse_unhosted(call: Call, facts: ModelFacts) -> None:
    kind = RULES.get(call.name)
    needs = kind.needs() if kind else frozenset()
    if call.name not in (*facts.rules, Locked.name):  # that one asks for nothing but its inner rule
        if kind is None:
            raise RequestError(no_such("rule", call.name, facts.rules))
        why = " and ".join(text for need, text in _NEEDS.items() if need in needs)
        because = f", which needs {why}" if why else ""
        raise RequestError(f"{facts.name} cannot host rule {call.name}{because}; {_alternatives(facts)}")
    if "weak model" in needs and not dict(call.named).get("weak"):
        raise RequestError(
            f'rule {call.name} needs {_NEEDS["weak model"]}: write {call.name}(weak="FOLDER"), a '
            "diffusers folder of the same kind"
        )


def _alternatives(facts: ModelFacts) -> str:
    """What would work on this model."""
    kinds = {name: RULES[name] for name in facts.rules if name in RULES}
    in_attention = [name for name, kind in kinds.items() if kind.delivery == "attention"]
    if facts.distilled or not facts.negative_branch:
        also = f", and to avoid something a rule in its attention: {', '.join(in_attention)}"
        return f"use scale 1{also if in_attention else ''}"
    return f"what it can host: {', '.join(facts.rules)}"


def _chain(call: Call) -> tuple[_Link, ...]:
    """The rules of a text from the outermost to the innermost, default inner rules included."""
    chain = [(part, RULES[part.name]) for part in call.calls() if part.name in RULES]
    rule = chain[-1][1]()
    while isinstance(rule, Wrapper):
        rule = rule.inner
        chain.append((Call(rule.name), type(rule)))
    return tuple(chain)


def _needs_branch(rule: ResolvedRule) -> bool:
    return rule.scale != 1.0 or rule.chain[-1].acts_at_scale_1


def _scale_of(link: _Link) -> float | None:
    """The scale that a call sets itself; it is the first value of a rule that is no wrapper."""
    call, kind = link
    values = dict(call.named)
    if "scale" in values:
        scale = values["scale"]
    elif call.values and not issubclass(kind, Wrapper):
        scale = call.values[0]
    else:
        return None
    if not isinstance(scale, int | float) or scale < 0:
        raise RequestError(f"rule {call.name}: scale must be a number from 0 on (given: {scale})")
    return float(scale)
