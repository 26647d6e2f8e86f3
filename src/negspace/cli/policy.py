"""`negspace policy`: check, show, compare and list policies."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import JsonOption

if TYPE_CHECKING:
    from negspace.policy.policy import Policy, PolicyTerm

policy = typer.Typer(
    name="policy",
    help="Policies, which every request must follow: check, show, compare and list them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_NAME = "A shipped policy, or a file that ends in .yaml."
PolicyArgument = Annotated[str, typer.Argument(metavar="NAME_OR_FILE", help=_NAME)]
PoliciesArgument = Annotated[list[str], typer.Argument(metavar="NAME_OR_FILE...", help=_NAME)]


@policy.command()
def check(places: PoliciesArgument, json: JsonOption = False) -> None:
    """Read policies with all they extend; an error is printed with its line."""
    from negspace.policy.loading import load_policy

    policies = {place: load_policy(place) for place in places}
    if json:
        show.as_json({place: _plain(policy) for place, policy in policies.items()})
        return
    for place, policy in policies.items():
        locked = sum(bool(term.locked) for term in policy.avoid)
        show.line(f"{place}: {policy.label} is valid, {len(policy.avoid)} terms, {locked} locked")


@policy.command("show")
def show_policy(place: PolicyArgument, json: JsonOption = False) -> None:
    """Show all fields of a policy, with what it extends."""
    from negspace.policy.loading import load_policy

    policy = load_policy(place)
    if json:
        show.as_json(policy.model_dump(mode="json") | {"fingerprint": policy.fingerprint})
        return
    show.line(policy.label, "bold")
    show.pairs(_head(policy))
    show.line("")
    show.table(
        ("avoided", "weight", "when", "check", "unchecked", "locked", "also", "unless", "from", "reason"),
        [_row(term) for term in policy.avoid],
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
def diff(old: PolicyArgument, new: PolicyArgument, json: JsonOption = False) -> None:
    """Show what changes from one policy to another."""
    from negspace.policy.loading import load_policy

    changes = _changes(load_policy(old), load_policy(new))
    if json:
        show.as_json({"changes": changes})
        return
    if not changes:
        show.line("they are the same")
    for change in changes:
        show.line(f"{_SIGNS[change['kind']]} {change['what']}{change['how']}")


@policy.command("list")
def list_policies(json: JsonOption = False) -> None:
    """List the policies that ship with Negspace."""
    from negspace.policy.loading import load_policy, shipped_names

    policies = [load_policy(name) for name in shipped_names()]
    if json:
        show.as_json({policy.name: _plain(policy) for policy in policies})
        return
    show.table(
        ("policy", "terms", "what it does"),
        [(policy.label, str(len(policy.avoid)), policy.explain) for policy in policies],
    )


_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def _plain(policy: "Policy") -> dict[str, Any]:
    return {"name": policy.name} | policy.summary()


def _head(policy: "Policy") -> list[tuple[str, str]]:
    conditions = policy.applies_to.model_dump(exclude_defaults=True)
    applies_to = "; ".join(f"{name} {', '.join(values)}" for name, values in conditions.items())
    rows = [
        ("does", policy.explain),
        ("source", policy.source),
        ("extends", ", ".join(policy.extends)),
        ("applies to", applies_to or "everyone"),
        ("requires", ", ".join(policy.require)),
        ("unchecked", policy.unchecked or ""),
        ("least scale", "" if policy.least_scale is None else f"{policy.least_scale:g}"),
        ("sha256", policy.fingerprint),
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
    """Every difference, in words: the terms first, then the other fields."""
    from negspace.avoid.matching import phrase

    before, after = ({phrase(term.term): term for term in policy.avoid} for policy in (old, new))
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
    prefix: str, old: "Policy | PolicyTerm", new: "Policy | PolicyTerm", exclude: set[str]
) -> list[dict[str, str]]:
    before, after = (value.model_dump(mode="json", exclude=exclude) for value in (old, new))
    return [
        {"kind": "changed", "what": f"{prefix}{name}", "how": f": {before[name]!r} to {after[name]!r}"}
        for name in before
        if before[name] != after[name]
    ]
