"""`negspace plan`: the dry run. How each term would be told, and what stands in its way."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

from negspace.cli import show
from negspace.cli.options import JsonOption, in_output, request_options
from negspace.cli.planning import memory_in_words, memory_needed, plan_of
from negspace.cli.sources import source_options
from negspace.models.files.source import Source
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.planning.conversion import Converted
    from negspace.planning.negative import PlannedTerm
    from negspace.planning.plan import Plan
    from negspace.policy.applicable import PolicyRecord

ToOption = Annotated[
    str | None,
    in_output("DIALECT", "Show both texts in another dialect too: a1111, comfy, compel, plain."),
]


@request_options
@source_options
def plan(request: Request, parts: Source, to: ToOption = None, json: JsonOption = False) -> None:
    """Say how each term would be told; nothing is made.

    Weights are not read, so it takes a moment. Token counts are estimates; a receipt has the exact ones.
    """
    from negspace.planning.conversion import convert_plan

    source = parts.with_path(request.model)
    compiled = plan_of(request, source)
    memory = memory_needed(source)
    other = None if to is None else convert_plan(compiled, to)
    if json:
        fields = compiled.without_pixels().model_dump(mode="json")
        fields["memory"] = memory
        if other is not None:
            fields["converted"] = other.model_dump(mode="json")
        show.as_json(fields)
        return
    _show_plan(compiled, other)
    if memory is not None:
        show.line("")
        show.line(f"memory {memory_in_words(memory, request.dtype)}, before any layer works", "dim")


def _show_plan(plan: "Plan", other: "Converted | None") -> None:
    show.pairs(
        [
            ("prompt", plan.positive),
            *_converted(other, plan.positive, other and other.positive),
            ("negative", show.sent_text(plan.negative)),
            *_converted(other, plan.negative, other and other.negative),
            *(("blocked", str(block)) for block in plan.blocks),
            *(("policy", _policy(record)) for record in plan.policies),
            *(("needs", needed) for needed in _needs(plan.terms)),
            ("can act", "yes" if plan.acts else f"no: {plan.why_not}"),
            (
                "made by",
                f"{plan.rule}, scale {plan.scale:g}, {plan.sampler}, {plan.steps} steps, "
                f"{plan.width}x{plan.height}" + ("" if plan.hires is None else f", then {plan.hires}"),
            ),
        ]
    )
    show.moved_terms(plan.moved)
    show.embeddings(plan.embeddings)
    show.loras(plan.loras)
    if plan.terms:
        show.line("")
        show.line(f"{len(plan.terms)} avoided, about {plan.negative_tokens} tokens", "dim")
        show.table(show.TERM_COLUMNS, [_term(term) for term in plan.terms], show.USUAL)
    findings = (*plan.findings, *(other.findings if other else ()))
    if findings:
        show.line("")
        show.findings(findings)


def _needs(terms: "Sequence[PlannedTerm]") -> Iterator[str]:
    """The judge that the request cannot do without."""
    from negspace.planning.negative import needs_a_judge

    must = [repr(term.avoid.term) for term in terms if needs_a_judge(term.avoid)]
    if must:
        yield f"a judge that knows {', '.join(must)}; without one nothing is made"


def _converted(
    other: "Converted | None", text: str | None, converted: str | None
) -> Iterator[tuple[str, str]]:
    """A text in the other dialect, where one was asked for and there is a text."""
    if other is not None and text is not None:
        yield f"in {other.dialect}", "(cannot be said; see below)" if converted is None else converted


def _policy(record: "PolicyRecord") -> str:
    policy = f"{record.name}@{record.version}, sha256 {record.fingerprint[:12]}"
    return policy if record.why_not is None else f"{policy}: does not apply: {record.why_not}"


def _term(term: "PlannedTerm") -> tuple[str, ...]:
    avoid = term.avoid
    return (
        avoid.term,
        f"{avoid.weight:g}",
        show.window_text(avoid.window),
        ", ".join(term.origins),
        term.channel,
        show.known_words(term.known, term.unknown),
        f"about {term.tokens}",
    )
