"""Plan: a request compiled for one model, before anything runs. Pure: needs no weights and no torch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from negspace.avoid.merging import Entry
from negspace.avoid.terms import Term, terms_of
from negspace.errors import PolicyError, RequestError
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.findings import Finding
from negspace.planning import rule as rules
from negspace.planning.check_request import insist_on, refuse_impossible, refuse_others, told_apart, untold
from negspace.planning.estimates import TextEstimator, estimates_of
from negspace.planning.findings import noticed
from negspace.planning.negative import (
    CHECK_ONLY,
    NOT_AT_ALL,
    Negative,
    PlannedTerm,
    Stage,
    negative_text,
    planned_term,
    prompts_of,
    stages_of,
)
from negspace.planning.routes import route
from negspace.planning.rule import ResolvedRule, resolve_rule
from negspace.policy.applicable import Block, PolicyRecord
from negspace.policy.govern import GovernedRequest, govern
from negspace.policy.loading import template_findings
from negspace.policy.policy import Policy
from negspace.request import Moved, Request, Settings, Start

__all__ = [
    "CHECK_ONLY",
    "NOT_AT_ALL",
    "Plan",
    "PlannedTerm",
    "Stage",
    "plan",
    "refuse_blocked",
    "refuse_other_model",
    "settled",
]


class Plan(Settings):
    """A request compiled for one model. Spans of findings and terms are places in `positive` and `negative`;
    where a policy changed these, in what was asked.

    Attributes:
        request: as asked.
        carried: as it is carried out: inline forms read, policies applied.
        positive: the text the positive branch is told.
        negative: the text the negative branch is told, all terms in it; None where there is none.
        stages: what of it is told when; one stage where every term is told all the time.
        moved: what was taken out of the prompt, in the order it stands there.
        terms: every avoided term.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        embeddings: what the text encoders are taught for it.
        findings: what is worth knowing before anything runs.
        negative_dialect: grammar of `negative` and `stages`; that of the request unless terms were merged.
        negative_tokens: how many tokens `negative` takes, about.
        policies: every policy that was asked for, and whether it applies.
        blocks: what keeps the request from being carried out; () where nothing does.
        model, family: `ModelFacts.name` and `ModelFacts.family` of the model it was made for; None in a plan
            that an earlier version wrote.
    """

    request: Request
    carried: Request
    positive: str
    negative: str | None
    stages: tuple[Stage, ...]
    moved: tuple[Moved, ...] = ()
    terms: tuple[PlannedTerm, ...]
    acts: bool
    why_not: str | None
    embeddings: tuple[EmbeddingFacts, ...] = ()
    findings: tuple[Finding, ...]
    negative_dialect: str
    negative_tokens: int = 0
    policies: tuple[PolicyRecord, ...] = ()
    blocks: tuple[Block, ...] = ()
    model: str | None = None
    family: str | None = None

    def without_pixels(self) -> Self:
        """The plan whose requests name their pictures and do not carry them."""
        named = {"request": self.request.without_pixels(), "carried": self.carried.without_pixels()}
        return self.model_copy(update=named)

    def with_start(self, start: Start | None) -> Self:
        """The plan whose requests carry a picture to start from: the opposite of `without_pixels`."""
        carrying = {
            "request": self.request.model_copy(update={"start": start}),
            "carried": self.carried.model_copy(update={"start": start}),
        }
        return self.model_copy(update=carrying)

    def negative_at(self, progress: float) -> str | None:
        """What the negative branch is told at a share of the steps in [0, 1)."""
        return next((stage.text for stage in self.stages if progress < stage.until), self.stages[-1].text)


def plan(
    request: Request,
    facts: ModelFacts,
    *,
    operator_policies: Sequence[Policy] = (),
    tenant: str | None = None,
) -> Plan:
    """Compile a request for a model. Nothing is generated.

    Args:
        request: what is asked.
        facts: what the model can be told.
        operator_policies: they apply whatever the request says; its own are added.
        tenant: on whose behalf.

    Raises:
        RequestError: the model cannot host the rule, has no such sampler or size, a weighting is not there,
            an embedding is not for this model, or what is to be avoided cannot be joined.
        PolicyError: a policy is not there or cannot be read.
        PromptError: a text cannot be read, or a term cannot be weighed in this dialect.
    """
    refuse_impossible(request, facts)
    steps = facts.steps if request.steps is None else request.steps
    told, moved = told_apart(request, steps)
    refuse_others(told, facts)
    insist_on(told, negative_text(told.avoid, told.dialect), steps)
    estimates = estimates_of(facts)
    governed = govern(
        told,
        facts,
        steps=steps,
        operator=operator_policies,
        tenant=tenant,
        count=estimates.tokens,
    )
    return _compiled(request, told, moved, governed, facts, estimates, steps)


def settled(carried: Request, dialect: str, facts: ModelFacts, like: Plan | None = None) -> Plan:
    """The plan of a request that was governed before: exactly this is carried out, and nothing is added to
    it.

    Args:
        carried: as it is carried out, `Plan.carried` of an earlier plan or one made from it.
        dialect: grammar of what it avoids.
        facts: of the model.
        like: the plan it was made from, whose terms it has in the same order; the new plan answers to the
        same
            request, and says of its terms and policies what that one says.

    Raises:
        NegspaceError: as `plan`.
    """
    steps = facts.steps if carried.steps is None else carried.steps
    entries: tuple[Entry, ...] | None = None
    if carried.avoid is not None and not isinstance(carried.avoid, str):
        known = like.terms if like else ()
        entries = tuple(
            Entry(one, known[number].origins if number < len(known) else (one.source,), locked=one.locked)
            for number, one in enumerate(carried.avoid)
        )
    policies, blocks, findings = (like.policies, like.blocks, like.findings) if like else ((), (), ())
    governed = GovernedRequest(carried, dialect, entries, policies, blocks, findings)
    made = _compiled(
        carried, carried, like.moved if like else (), governed, facts, estimates_of(facts), steps
    )
    if like is None:
        return made
    return made.model_copy(update={"request": like.request, "findings": like.findings})


def refuse_blocked(planned: Plan) -> None:
    """Stop where a policy keeps the request from being carried out.

    Raises:
        PolicyError: one does.
    """
    if planned.blocks:
        raise PolicyError(str(planned.blocks[0]))


def refuse_other_model(plan: Plan, facts: ModelFacts) -> None:
    """Stop where a plan was made for another model.

    Raises:
        RequestError: it was.
    """
    if plan.model is not None and (plan.model, plan.family) != (facts.name, facts.family):
        raise RequestError(
            f"the plan was made for model {plan.model!r} ({plan.family}), and this is {facts.name!r} "
            f"({facts.family}); plan the request for this model"
        )


def _compiled(
    request: Request,
    told: Request,
    moved: tuple[Moved, ...],
    governed: GovernedRequest,
    facts: ModelFacts,
    estimates: TextEstimator,
    steps: int,
) -> Plan:
    """What is governed, for a model: `told` is the request with its inline forms read."""
    terms = _terms(governed, steps)
    routed = route(governed.request, facts, [term for term, _ in terms])
    governed = replace(governed, request=routed.request)
    carried = governed.request
    rule = resolve_rule(carried, facts)
    text = negative_text(carried.avoid, governed.dialect)
    stages = stages_of(carried.avoid, text, governed.dialect)
    if any(term.avoid.weight for term, _ in terms):
        rules.refuse_distilled(rule, facts, carried.routes)
    why_not = _why_not(carried, text, terms, rule, facts, len(stages))
    way = None if why_not else " and ".join(rule.channels)
    planned = tuple(
        planned_term(term, estimates, governed.dialect, routed.way(term) or way, origins)
        for term, origins in terms
    )
    negative = _negative(text, governed, planned, estimates, steps)
    unheld = tuple(untold(planned, why_not))
    return Plan(
        request=request,
        carried=carried,
        positive=carried.prompt,
        negative=text,
        stages=stages,
        moved=moved,
        terms=planned,
        rule=rule.text,
        scale=rule.scale,
        steps=steps,
        sampler=carried.sampler or facts.sampler,
        width=carried.size[0] or facts.width,
        height=carried.size[1] or facts.height,
        acts=why_not is None,
        why_not=why_not,
        embeddings=tuple(one for one in facts.embeddings if one.file in carried.embeddings),
        findings=(
            *governed.findings,
            *routed.findings,
            *noticed(told, governed, facts, estimates, negative, planned, steps, why_not),
            *rules.findings(rule, carried, facts),
            *template_findings(facts, frozenset(record.name for record in governed.policies)),
            *(Finding("blocked", str(block), side="avoid") for block in unheld),
        ),
        negative_dialect=governed.dialect,
        negative_tokens=negative.tokens,
        policies=governed.policies,
        blocks=(*governed.blocks, *unheld),
        model=facts.name,
        family=facts.family,
    )


def _terms(governed: GovernedRequest, steps: int) -> tuple[tuple[Term, tuple[str, ...]], ...]:
    """What is avoided and who asked for it; after it what only other encoders are told."""
    carried = governed.request
    if governed.entries is None:
        own = terms_of(carried.avoid, governed.dialect, steps)
        known = [(term, (term.avoid.source,)) for term in own]
    else:
        known = [(Term(entry.avoid, entry.span), entry.origins) for entry in governed.entries]
    texts = (text for text in carried.other_avoids if text is not None)
    for term in (term for text in texts for term in terms_of(text, carried.dialect, steps)):
        if all(term.avoid != other.avoid for other, _ in known):
            known.append((Term(term.avoid), (term.avoid.source,)))
    return tuple(known)


def _why_not(
    request: Request,
    negative: str | None,
    terms: Sequence[tuple[Term, tuple[str, ...]]],
    rule: ResolvedRule,
    facts: ModelFacts,
    stages: int,
) -> str | None:
    if negative is None and not terms:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term, _ in terms):
        return "every term weighs 0"
    if inert := rule.why_inert(facts.name):
        return inert
    alike = negative == request.prompt and request.other_avoids == request.other_prompts
    if rule.cancels and alike and stages == 1:
        return "it says the same as the prompt, so the two cancel"
    return None


def _negative(
    text: str | None,
    governed: GovernedRequest,
    terms: Sequence[PlannedTerm],
    estimates: TextEstimator,
    steps: int,
) -> Negative:
    """The negative side; a merged list takes what its terms take and the commas between them."""
    if governed.entries is not None:
        cost = sum(term.tokens for term in terms[: len(governed.entries)]) + max(len(governed.entries) - 1, 0)
        return Negative(text, governed.dialect, steps, cost)
    read = prompts_of(text or "", governed.dialect, steps)
    cost = max(estimates.tokens(prompt.clean) for prompt in read)
    return Negative(text, governed.dialect, steps, cost)
