"""`negspace rules`: how predictions can be combined."""

from math import isinf
from typing import TYPE_CHECKING, Annotated, Any

from negspace.cli import show
from negspace.cli.options import JsonOption, option
from negspace.cli.sources import source_options
from negspace.models.files.source import Source

if TYPE_CHECKING:
    from negspace.facts import ModelFacts
    from negspace.guidance import Rule

HostModelOption = Annotated[
    str | None, option("NAME", "Also say whether this model can host it.", "--model", "-m")
]


@source_options
def rules(model: HostModelOption = None, *, parts: Source, json: JsonOption = False) -> None:
    """List the guidance rules: formula, paper, space, cost, and every setting with its range.

    A rule is asked for as a text: cfg, "rescale(perp_neg, phi=0.5)", "cfg(strength=window(0.17, 0.6))".
    """
    from negspace.models.catalogue import read_facts

    facts = None if model is None else read_facts(parts.with_path(model))

    from negspace.guidance import RULES  # needs torch, which takes a second to load

    described = {name: _described(rule, facts) for name, rule in RULES.items()}
    if json:
        show.as_json(described)
        return
    show.pairs([(name, "\n".join(_lines(rule, facts)) + "\n") for name, rule in described.items()])
    show.line(
        "d_c, d_n and d_u are the predictions for what is wanted, what is avoided, and the empty prompt; Z+ "
        "and Z- are what the cross-attention makes of what is wanted and of what is avoided.",
        "dim",
    )


def _described(kind: "type[Rule[Any]]", facts: "ModelFacts | None") -> dict[str, Any]:
    from negspace.guidance import Wrapper, evaluations

    rule = kind()
    first, two = (evaluations(rule, avoided) for avoided in (1, 2))
    return {
        "formula": kind.formula,
        "paper": kind.paper,
        "space": kind.space,
        "tells": kind.delivery,
        "evaluations": first,
        "evaluations_for_each_further_thing": two - first,
        "wraps": issubclass(kind, Wrapper),
        "settings": {
            setting.name: {
                "default": setting.default,
                "low": _bound(setting.metadata["low"]),
                "high": _bound(setting.metadata["high"]),
                "meaning": setting.metadata["meaning"],
            }
            for setting in kind.settings()
        },
        "hosted": None if facts is None else kind.name in facts.rules,
    }


def _bound(value: float) -> float | None:
    return None if isinf(value) else value


def _lines(rule: dict[str, Any], facts: "ModelFacts | None") -> list[str]:
    """What is told of a rule to people."""
    more = rule["evaluations_for_each_further_thing"]
    cost = f"{rule['evaluations']} evaluation{'' if rule['evaluations'] == 1 else 's'} a step"
    cost += f", {more} more for each further thing avoided" if more else ""
    where = "in any space" if rule["space"] == "any" else f"in {rule['space']}"
    around = ", around another rule" if rule["wraps"] else ""
    settings = [
        f"  {name}={setting['default']:g}{_range(setting['low'], setting['high'])}: {setting['meaning']}"
        for name, setting in rule["settings"].items()
    ]
    hosted = [] if facts is None else [f"{facts.name} {'can' if rule['hosted'] else 'cannot'} host it"]
    return [rule["formula"], rule["paper"], f"{where}{around}; {cost}", *settings, *hosted]


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return ""
    if high is None:
        return f" (from {low:g} on)"
    return f" (up to {high:g})" if low is None else f" ({low:g} to {high:g})"
