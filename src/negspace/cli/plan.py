"""`negspace plan`: the dry run. How each term would be told, and what stands in its way."""

from typing import TYPE_CHECKING

from negspace.cli import show
from negspace.cli.options import Json, asking
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.avoid import PolicyRecord
    from negspace.avoid.plan import Plan, PlannedTerm


@asking
def plan(request: Request, json: Json = False) -> None:
    """Say how each term would be told; nothing is made.

    Weights are not read, so it takes a moment. Token counts are estimates; a receipt has the exact ones.
    """
    from negspace.avoid.plan import plan as compiled
    from negspace.models.folder import EMBEDDED, read_facts

    planned = compiled(request, read_facts(request.model or EMBEDDED))
    if json:
        show.as_json(planned.model_dump(mode="json"))
        return
    _show_plan(planned)


def _show_plan(planned: "Plan") -> None:
    show.pairs(
        [
            ("prompt", planned.positive),
            ("negative", show.said(planned.negative)),
            *(("blocked", str(block)) for block in planned.blocks),
            *(("policy", _policy(record)) for record in planned.policies),
            ("can act", "yes" if planned.acts else f"no: {planned.why_not}"),
            (
                "made by",
                f"{planned.rule}, scale {planned.scale:g}, {planned.sampler}, {planned.steps} steps, "
                f"{planned.width}x{planned.height}",
            ),
        ]
    )
    if planned.terms:
        cost = f"{len(planned.terms)} avoided, about {planned.negative_tokens} tokens"
        show.line("")
        show.line(cost, "dim")
        show.table(
            ("avoided", "weight", "when", "source", "told by", "known", "tokens"),
            [_term(term) for term in planned.terms],
            show.USUAL,
        )
    if planned.findings:
        show.line("")
        show.findings(planned.findings)


def _policy(record: "PolicyRecord") -> str:
    told = f"{record.name}@{record.version}, sha256 {record.fingerprint[:12]}"
    return told if record.why_not is None else f"{told}: does not apply: {record.why_not}"


def _term(term: "PlannedTerm") -> tuple[str, ...]:
    asked = term.avoid
    return (
        asked.term,
        f"{asked.weight:g}",
        show.when(asked.window),
        ", ".join(term.origins),
        term.told,
        show.known(term.known, term.unknown),
        f"about {term.tokens}",
    )
