"""Compiles a request for one model into a plan, before anything runs. Needs no weights and no torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self

from negspace.avoid.merging import Entry
from negspace.avoid.terms import Term, terms_of
from negspace.errors import PolicyError, RequestError
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.findings import Finding
from negspace.planning import rule as rules
from negspace.planning.check_request import refuse_other_texts, refuse_unreadable, refuse_unsupported
from negspace.planning.estimates import TextEstimator, estimator_for
from negspace.planning.findings import text_findings
from negspace.planning.hires import hires_findings, planned_hires
from negspace.planning.inline import move_inline
from negspace.planning.locked import groups_of, unreachable_blocks, with_locked_rule
from negspace.planning.loras import planned_loras
from negspace.planning.negative import (
    Negative,
    NegativeGroup,
    PlannedTerm,
    Stage,
    negative_text,
    planned_term,
    prompts_of,
    stages_of,
    text_at,
    tokens_of_list,
)
from negspace.planning.routes import route
from negspace.planning.rule import ResolvedRule, resolve_rule
from negspace.planning.sizes import fit_size, size_findings
from negspace.planning.weights import delivered_terms, weight_findings
from negspace.policy.applicable import Block, PolicyRecord, applicable_policies
from negspace.policy.govern import GovernedRequest, govern
from negspace.policy.loading import load_policy, template_findings
from negspace.policy.policy import Policy, is_label
from negspace.policy.recommended import with_recommended
from negspace.prompt import Prompt
from negspace.records import Settings
from negspace.request import Avoid, Check, LoraUse, Moved, Request, Start

TermWithOrigins = tuple[Term, tuple[str, ...]]
"""A term and everyone who asked for it."""


class Plan(Settings):
    """A request compiled for one model. Spans of findings and terms are places in `positive` and `negative`;
    where a policy changed these, in the texts of the request.

    Attributes:
        request: as asked.
        carried: as it is carried out: inline forms moved, policies applied.
        positive: text of the positive branch.
        negative: text of the negative branch with all terms; None where there is none.
        stages: what of `negative` acts when; one stage where every term acts at every step.
        groups: the locked terms and the others, where rule `locked` gives each a branch of its own instead.
        moved: what was moved out of the prompt, in its order there.
        terms: every avoided term.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        embeddings: what the text encoders are taught for it.
        loras: what is added to the weights for it.
        lora_stamps: size and time of the file of each; () where the plan was made from facts alone.
        findings: what is worth knowing before anything runs.
        negative_dialect: grammar of `negative` and `stages`; that of the request unless terms were merged.
        negative_tokens: how many tokens `negative` takes, estimated.
        policies: every policy that was asked for, and whether it applies.
        blocks: what keeps the request from being carried out; () where nothing does.
        stronger: rules for further attempts at a picture that a check did not pass, from the second one on.
        model, family: `ModelFacts.name` and `ModelFacts.family` of the model it was made for; None in a plan
            that an earlier version wrote.
    """

    request: Request
    carried: Request
    positive: str
    negative: str | None
    stages: tuple[Stage, ...]
    groups: tuple[NegativeGroup, ...] = ()
    moved: tuple[Moved, ...] = ()
    terms: tuple[PlannedTerm, ...]
    acts: bool
    why_not: str | None
    embeddings: tuple[EmbeddingFacts, ...] = ()
    loras: tuple[LoraUse, ...] = ()
    lora_stamps: tuple[str, ...] = ()
    findings: tuple[Finding, ...]
    negative_dialect: str
    negative_tokens: int = 0
    policies: tuple[PolicyRecord, ...] = ()
    blocks: tuple[Block, ...] = ()
    stronger: tuple[str, ...] = ()
    model: str | None = None
    family: str | None = None

    def without_pixels(self) -> Self:
        """The plan whose requests name their pictures and do not carry them."""
        requests = {"request": self.request.without_pixels(), "carried": self.carried.without_pixels()}
        return self.model_copy(update=requests)

    def with_start(self, start: Start | None) -> Self:
        """The plan whose requests carry a picture to start from: the opposite of `without_pixels`."""
        carrying = {
            "request": self.request.model_copy(update={"start": start}),
            "carried": self.carried.model_copy(update={"start": start}),
        }
        return self.model_copy(update=carrying)

    def negative_at(self, progress: float) -> str | None:
        """The text with all terms at a share of the steps in [0, 1)."""
        return text_at(self.stages, progress)


def plan(
    request: Request,
    facts: ModelFacts,
    *,
    operator_policies: Sequence[Policy] = (),
    tenant: str | None = None,
    read_policy: Callable[[str], Policy] = load_policy,
) -> Plan:
    """Compile a request for a model. Nothing is generated.

    Args:
        request: what is asked.
        facts: of the model.
        operator_policies: they apply whatever the request says; its own are added.
        tenant: on whose behalf.
        read_policy: gives a policy that the request names.

    Raises:
        RequestError: the model cannot host the rule or has no such sampler or size, there is no such
            weighting, an embedding is not for this model, or what is to be avoided cannot be joined.
        PolicyError: there is no such policy, or it cannot be read.
        PromptError: a text cannot be read, or this dialect cannot write the weight of a term.
    """
    records, policies = applicable_policies(request, facts, operator_policies, tenant, read_policy)
    settled, recommended = with_recommended(fit_size(request, facts), records, policies, facts)
    refuse_unsupported(settled, facts)
    steps = facts.steps if settled.steps is None else settled.steps
    read, moved = move_inline(settled, steps)
    refuse_other_texts(read, facts)
    refuse_unreadable(read, negative_text(delivered_terms(read.avoid, facts), read.dialect), steps, facts)
    governed = govern(
        read,
        facts,
        steps=steps,
        records=records,
        policies=policies,
        count=estimator_for(facts).tokens,
    )
    governed = replace(governed, findings=(*recommended, *governed.findings))
    return _compile(request, read, moved, with_locked_rule(governed, facts, steps), facts, steps)


def plan_governed(carried: Request, dialect: str, facts: ModelFacts, origin: Plan | None = None) -> Plan:
    """The plan of a request to which policies were applied before: exactly this is carried out.

    Args:
        carried: as it is carried out, `Plan.carried` of an earlier plan or one made from it.
        dialect: grammar of what it avoids.
        facts: of the model.
        origin: the plan it was made from, whose terms it has in the same order. The new plan is for the same
            request and takes over its policies, blocks and findings.

    Raises:
        NegspaceError: as `plan`.
    """
    steps = facts.steps if carried.steps is None else carried.steps
    entries = _entries(carried, origin.terms if origin else ())
    if origin is None:
        governed = GovernedRequest(carried, dialect, entries, (), (), ())
        return _compile(carried, carried, (), governed, facts, steps)
    governed = GovernedRequest(carried, dialect, entries, origin.policies, origin.blocks, (), origin.stronger)
    compiled = _compile(carried, carried, origin.moved, governed, facts, steps)
    return compiled.model_copy(update={"request": origin.request, "findings": origin.findings})


def _entries(carried: Request, terms: Sequence[PlannedTerm]) -> tuple[Entry, ...] | None:
    """What a request avoids as a merged list, with the origins of the terms it was made from."""
    if carried.avoid is None or isinstance(carried.avoid, str):
        return None
    return tuple(
        Entry(avoid, terms[number].origins if number < len(terms) else (avoid.source,), locked=avoid.locked)
        for number, avoid in enumerate(carried.avoid)
    )


def refuse_blocked(plan: Plan) -> None:
    """Stop where a policy keeps the request from being carried out.

    Raises:
        PolicyError: one does.
    """
    if plan.blocks:
        raise PolicyError(str(plan.blocks[0]))


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


def _compile(
    request: Request,
    read: Request,
    moved: tuple[Moved, ...],
    governed: GovernedRequest,
    facts: ModelFacts,
    steps: int,
) -> Plan:
    """The plan of a governed request; `read` is the request with its inline forms moved."""
    estimator = estimator_for(facts)
    terms = _terms(governed, steps)
    routed = route(governed.request, facts, [term for term, _ in terms])
    governed = replace(governed, request=routed.request)
    carried = governed.request
    rule = resolve_rule(carried, facts, steps)
    avoid = delivered_terms(carried.avoid, facts)
    text = negative_text(avoid, governed.dialect)
    stages = stages_of(avoid, text, governed.dialect)
    if any(term.avoid.weight for term, _ in terms):
        rules.refuse_distilled(rule, facts, carried.routes)
    why_not = _why_not(text, terms, rule, facts)
    channel = None if why_not else " and ".join(rule.channels)
    planned_terms = tuple(
        planned_term(term, estimator, governed.dialect, routed.channel(term) or channel, origins)
        for term, origins in terms
    )
    groups = groups_of(rule, avoid, planned_terms, governed.dialect)
    negative = _negative(text, governed, planned_terms, groups, estimator, steps)
    unreachable = tuple(unreachable_blocks(planned_terms, rule, facts, why_not))
    return Plan(
        request=request,
        carried=carried,
        positive=carried.prompt,
        negative=text,
        stages=stages,
        groups=groups,
        moved=moved,
        terms=planned_terms,
        rule=rule.text,
        scale=rule.scale,
        steps=steps,
        sampler=carried.sampler or facts.sampler,
        width=carried.size[0] or facts.width,
        height=carried.size[1] or facts.height,
        hires=planned_hires(carried, facts, steps),
        acts=why_not is None,
        why_not=why_not,
        embeddings=tuple(embedding for embedding in facts.embeddings if embedding.file in carried.embeddings),
        loras=planned_loras(carried, facts, steps),
        findings=(
            *governed.findings,
            *routed.findings,
            *text_findings(read, governed, facts, negative, planned_terms, why_not),
            *rules.findings(rule, carried, facts),
            *size_findings(request, carried, facts),
            *hires_findings(carried, facts, steps),
            *weight_findings(_prompts(read, steps), planned_terms, carried, rule, facts),
            *template_findings(facts, frozenset(record.name for record in governed.policies)),
            *(Finding("blocked", str(block), side="avoid") for block in unreachable),
        ),
        negative_dialect=governed.dialect,
        negative_tokens=negative.tokens,
        policies=governed.policies,
        blocks=(*governed.blocks, *unreachable),
        stronger=governed.stronger,
        model=facts.name,
        family=facts.family,
    )


def _prompts(request: Request, steps: int) -> list[Prompt]:
    """Every prompt that the texts of the prompt side hold at some step."""
    texts = (request.prompt, *(text for text in request.other_prompts if text is not None))
    return [prompt for text in texts for prompt in prompts_of(text, request.dialect, steps)]


def _terms(governed: GovernedRequest, steps: int) -> tuple[TermWithOrigins, ...]:
    """What is avoided; behind it what only the texts for other encoders avoid."""
    carried = governed.request
    if governed.entries is None:
        own = terms_of(carried.avoid, governed.dialect, steps)
        terms = [(term, (term.avoid.source,)) for term in own]
    else:
        terms = [(Term(entry.avoid, entry.span), entry.origins) for entry in governed.entries]
    texts = (text for text in carried.other_avoids if text is not None)
    for term in (term for text in texts for term in terms_of(text, carried.dialect, steps)):
        if all(term.avoid != other.avoid for other, _ in terms):
            terms.append((Term(term.avoid), (term.avoid.source,)))
    return tuple(
        (term._replace(avoid=_checked(term.avoid, carried.check)), origins) for term, origins in terms
    )


def _checked(avoid: Avoid, check: Check) -> Avoid:
    """A term with the check of its request, unless a policy asks for it or it has a check of its own."""
    if check == "none" or avoid.check != "none" or is_label(avoid.source):
        return avoid
    return avoid.model_copy(update={"check": check})


def _why_not(
    negative: str | None, terms: Sequence[TermWithOrigins], rule: ResolvedRule, facts: ModelFacts
) -> str | None:
    """Why the negative cannot act; None where it can."""
    if negative is None and not terms:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term, _ in terms):
        return "every term weighs 0"
    return rule.why_inert(facts.name)


def _negative(
    text: str | None,
    governed: GovernedRequest,
    terms: Sequence[PlannedTerm],
    groups: Sequence[NegativeGroup],
    estimator: TextEstimator,
    steps: int,
) -> Negative:
    """The negative side with the tokens of its longest text."""
    if groups:
        tokens = max(group.tokens for group in groups)
    elif governed.entries is not None:
        tokens = tokens_of_list(terms[: len(governed.entries)])
    else:
        prompts = prompts_of(text or "", governed.dialect, steps)
        tokens = max(estimator.tokens(prompt.clean) for prompt in prompts)
    return Negative(text, governed.dialect, steps, tokens)
