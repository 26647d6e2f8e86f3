"""`negspace models`: what can be opened, and what each can be told."""

from pathlib import Path
from typing import Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import Json
from negspace.facts import ModelFacts

Folders = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Model folders to describe; without any, the models that ship with Negspace.", show_default=False
    ),
]


def models(folders: Folders = None, json: Json = False) -> None:
    """List models and what each can be told; no weights are read."""
    from negspace.models.folder import EMBEDDED, read_facts

    known = {str(place): read_facts(place) for place in folders or [EMBEDDED]}
    if json:
        show.as_json({place: _plain(facts) for place, facts in known.items()})
        return
    for index, (place, facts) in enumerate(known.items()):
        if index:
            show.line("")
        show.line(place, "bold")
        show.pairs(_described(facts))


def _described(facts: ModelFacts) -> list[tuple[str, str]]:
    return [
        ("name", f"{facts.name} ({facts.family}, {facts.prediction})"),
        ("size", f"{facts.width}x{facts.height}; any multiple of {facts.multiple}"),
        ("defaults", f"{facts.rule}, scale {facts.scale:g}, {facts.sampler}, {facts.steps} steps"),
        ("a negative", _negative(facts)),
        ("encoders", "; ".join(f"{one.name}, {one.chunk} tokens a window" for one in facts.encoders)),
        ("words", _words(facts)),
        ("rules", ", ".join(facts.rules)),
        ("samplers", ", ".join(facts.samplers)),
    ]


def _negative(facts: ModelFacts) -> str:
    if facts.distilled:
        return "guidance is distilled into the weights: a negative branch does harm"
    if not facts.negative_branch:
        return "has no branch of its own: it cannot act"
    return "acts through a second branch where the scale is not 1"


def _words(facts: ModelFacts) -> str:
    words = facts.encoders[0].words
    if words is None:
        return "any text; nobody keeps a list of what it learned"
    return f"{len(words)} known: {', '.join(sorted(words))}"


def _plain(facts: ModelFacts) -> dict[str, Any]:
    """The facts as JSON can hold them: sets become sorted lists."""
    from dataclasses import asdict

    plain = asdict(facts)
    for encoder in plain["encoders"]:
        encoder["words"] = None if encoder["words"] is None else sorted(encoder["words"])
    return plain
