"""`negspace plan`: the dry run. How each term would be told, and what stands in its way."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from negspace.cli import show
from negspace.cli.options import OUTPUT_PANEL, Json, request_options
from negspace.cli.planning import check_settings
from negspace.cli.sources import source_options
from negspace.models.files.source import Source
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.planning.conversion import Converted
    from negspace.planning.negative import PlannedTerm
    from negspace.planning.plan import Plan
    from negspace.policy.applicable import PolicyRecord

To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="DIALECT",
        help="Show both texts in another dialect too: a1111, comfy, compel, plain.",
        rich_help_panel=OUTPUT_PANEL,
        show_default=False,
    ),
]


@request_options
@source_options
def plan(request: Request, parts: Source, to: To = None, json: Json = False) -> None:
    """Say how each term would be told; nothing is made.

    Weights are not read, so it takes a moment. Token counts are estimates; a receipt has the exact ones.
    """
    from negspace.cli.planning import in_words, needed
    from negspace.cli.planning import planned as compiled
    from negspace.planning.conversion import convert_plan

    source = parts.at(request.model)
    planned = compiled(request, source)
    check_settings(planned)
    memory = needed(source)
    other = None if to is None else convert_plan(planned, to)
    if json:
        plain = planned.without_pixels().model_dump(mode="json")
        plain["memory"] = memory
        if other is not None:
            plain["converted"] = other.model_dump(mode="json")
        show.as_json(plain)
        return
    _show_plan(planned, other)
    if memory is not None:
        show.line("")
        show.line(f"memory {in_words(memory, request.dtype)}, before any layer works", "dim")


def _show_plan(planned: "Plan", other: "Converted | None") -> None:
    show.pairs(
        [
            ("prompt", planned.positive),
            *_converted(other, planned.positive, other and other.positive),
            ("negative", show.sent_text(planned.negative)),
            *_converted(other, planned.negative, other and other.negative),
            *(("blocked", str(block)) for block in planned.blocks),
            *(("policy", _policy(record)) for record in planned.policies),
            *(("needs", told) for told in _needs(planned.terms)),
            ("can act", "yes" if planned.acts else f"no: {planned.why_not}"),
            (
                "made by",
                f"{planned.rule}, scale {planned.scale:g}, {planned.sampler}, {planned.steps} steps, "
                f"{planned.width}x{planned.height}",
            ),
        ]
    )
    show.moved_terms(planned.moved)
    show.embeddings(planned.embeddings)
    if planned.terms:
        cost = f"{len(planned.terms)} avoided, about {planned.negative_tokens} tokens"
        show.line("")
        show.line(cost, "dim")
        show.table(
            ("avoided", "weight", "when", "source", "told by", "known", "tokens"),
            [_term(term) for term in planned.terms],
            show.USUAL,
        )
    findings = (*planned.findings, *(other.findings if other else ()))
    if findings:
        show.line("")
        show.findings(findings)


def _needs(terms: "Sequence[PlannedTerm]") -> Iterator[str]:
    """Whom the request cannot do without."""
    from negspace.planning.negative import needs_a_judge

    must = [repr(term.avoid.term) for term in terms if needs_a_judge(term.avoid)]
    if must:
        yield f"a judge that knows {', '.join(must)}; without one nothing is made"


def _converted(other: "Converted | None", text: str | None, told: str | None) -> Iterator[tuple[str, str]]:
    """A text in the other dialect, where one was asked for and there is a text."""
    if other is not None and text is not None:
        yield f"in {other.dialect}", "(cannot be said; see below)" if told is None else told


def _policy(record: "PolicyRecord") -> str:
    told = f"{record.name}@{record.version}, sha256 {record.fingerprint[:12]}"
    return told if record.why_not is None else f"{told}: does not apply: {record.why_not}"


def _term(term: "PlannedTerm") -> tuple[str, ...]:
    asked = term.avoid
    return (
        asked.term,
        f"{asked.weight:g}",
        show.window_text(asked.window),
        ", ".join(term.origins),
        term.channel,
        show.known_words(term.known, term.unknown),
        f"about {term.tokens}",
    )
