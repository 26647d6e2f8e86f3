"""`negspace policy`: what every request must avoid: check, show, diff, list."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import Json

if TYPE_CHECKING:
    from negspace.policy.policy import Policy, PolicyTerm

policy = typer.Typer(
    name="policy",
    help="What every request must avoid: check, show, compare and list policies.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_NAME = "A shipped policy, or a file that ends in .yaml."
Place = Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help=_NAME, show_default=False)]
Places = Annotated[list[str], typer.Argument(metavar="NAME_OR_FILE...", help=_NAME, show_default=False)]


@policy.command()
def check(places: Places, json: Json = False) -> None:
    """Read policies with all they extend; a mistake is told with its line."""
    from negspace.policy.loading import load_policy

    read = {place: load_policy(place) for place in places}
    if json:
        show.as_json({place: _summary(one) for place, one in read.items()})
        return
    for place, one in read.items():
        locked = sum(bool(term.locked) for term in one.avoid)
        show.line(f"{place}: {one.label} is in order, {len(one.avoid)} terms, {locked} locked")


@policy.command("show")
def show_policy(place: Place, json: Json = False) -> None:
    """Show everything a policy says, with what it extends."""
    from negspace.policy.loading import load_policy

    one = load_policy(place)
    if json:
        show.as_json(one.model_dump(mode="json") | {"fingerprint": one.fingerprint})
        return
    show.line(one.label, "bold")
    show.pairs(_head(one))
    show.line("")
    show.table(
        ("avoided", "weight", "when", "check", "unchecked", "locked", "also", "unless", "from", "reason"),
        [_row(term) for term in one.avoid],
        {
            "weight": "1",
            "when": "always",
            "check": "none",
            "unchecked": "",
            "locked": "no",
            "also": "",
            "unless": "",
            "reason": "",
        },
    )


@policy.command()
def diff(old: Place, new: Place, json: Json = False) -> None:
    """Tell what changes from one policy to another."""
    from negspace.policy.loading import load_policy

    changes = _changes(load_policy(old), load_policy(new))
    if json:
        show.as_json({"changes": changes})
        return
    if not changes:
        show.line("they say the same")
    for change in changes:
        show.line(f"{_SIGNS[change['kind']]} {change['what']}{change['how']}")


@policy.command("list")
def list_policies(json: Json = False) -> None:
    """List the policies that ship with Negspace."""
    from negspace.policy.loading import load_policy, shipped_names

    read = [load_policy(name) for name in shipped_names()]
    if json:
        show.as_json({one.name: _summary(one) for one in read})
        return
    show.table(
        ("policy", "terms", "what it does"),
        [(one.label, str(len(one.avoid)), one.explain) for one in read],
    )


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _summary(one: "Policy") -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "explain": one.explain,
        "terms": len(one.avoid),
        "locked": sum(bool(term.locked) for term in one.avoid),
        "fingerprint": one.fingerprint,
    }


def _head(one: "Policy") -> list[tuple[str, str]]:
    whom = one.applies_to
    concerns = [
        f"{name} {', '.join(values)}"
        for name, values in (
            ("families", whom.families),
            ("checkpoints", whom.checkpoints),
            ("tenants", whom.tenants),
        )
        if values
    ]
    rows = [
        ("does", one.explain),
        ("source", one.source),
        ("extends", ", ".join(one.extends)),
        ("applies to", "; ".join(concerns) or "everyone"),
        ("requires", ", ".join(one.require)),
        ("unchecked", one.unchecked or ""),
        ("least scale", "" if one.least_scale is None else f"{one.least_scale:g}"),
        ("sha256", one.fingerprint),
    ]
    return [(name, value) for name, value in rows if value]


def _row(term: "PolicyTerm") -> tuple[str, ...]:
    return (
        term.term,
        f"{term.weight:g}",
        show.window_text(term.window),
        term.check,
        (term.unchecked or "refuse") if term.check == "block" else "",
        "yes" if term.locked else "no",
        ", ".join(term.also),
        ", ".join(term.unless),
        term.origin,
        term.reason,
    )


def _changes(old: "Policy", new: "Policy") -> list[dict[str, str]]:
    """Every difference, in words: terms by what they say, then everything else."""
    from negspace.avoid.matching import phrase

    before, after = ({phrase(term.term): term for term in one.avoid} for one in (old, new))
    changes = [
        {"kind": "removed", "what": repr(before[key].term), "how": ""} for key in before if key not in after
    ]
    changes += (
        {"kind": "added", "what": repr(after[key].term), "how": ""} for key in after if key not in before
    )
    for key in before:
        if key in after:
            changes += _differences(repr(after[key].term) + ": ", before[key], after[key], {"origin"})
    return changes + _differences("", old, new, {"avoid"})


def _differences(
    head: str, old: "Policy | PolicyTerm", new: "Policy | PolicyTerm", but: set[str]
) -> list[dict[str, str]]:
    was, now = (one.model_dump(mode="json", exclude=but) for one in (old, new))
    return [
        {"kind": "changed", "what": f"{head}{name}", "how": f": {was[name]!r} to {now[name]!r}"}
        for name in was
        if was[name] != now[name]
    ]
