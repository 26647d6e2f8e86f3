"""`negspace models`: the models that can be opened, and their facts."""

from typing import Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import JsonOption
from negspace.cli.sources import source_options
from negspace.facts import ModelFacts
from negspace.models.files.source import Source

ModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        help="Folders, files or ids of the hub to describe; without any, what ships with Negspace and what "
        "the hub's cache holds.",
    ),
]


@source_options
def models(places: ModelsArgument = None, *, parts: Source, json: JsonOption = False) -> None:
    """List models, and what a negative can do in each; no weights are read."""
    from negspace.cli.planning import memory_needed
    from negspace.models.catalogue import read_facts

    sources = {place: parts.with_path(place) for place in places or _available()}
    described = {place: (read_facts(source), memory_needed(source)) for place, source in sources.items()}
    if json:
        show.as_json({place: _plain(facts, memory) for place, (facts, memory) in described.items()})
        return
    if len(described) > 1:
        head = ("model", "family", "a negative", "absent means", "by default")
        show.table(head, [_row(place, facts) for place, (facts, _) in described.items()], show.USUAL)
        return
    for place, (facts, memory) in described.items():
        show.line(place, "bold")
        show.pairs(_described(facts, memory))


def _available() -> list[str]:
    """The embedded model, and the models in the hub's cache."""
    from negspace.models.catalogue import FAMILIES
    from negspace.models.files.hub import cached_models
    from negspace.models.files.source import EMBEDDED

    return [EMBEDDED, *cached_models({family.pipeline for family in FAMILIES.values()})]


def _row(place: str, facts: ModelFacts) -> tuple[str, ...]:
    defaults = f"scale {facts.scale:g}, {facts.steps} steps, {facts.width}x{facts.height}"
    return place, f"{facts.family}, {facts.prediction}", _negative(facts), _ABSENT[facts.absent], defaults


_ABSENT = {"empty": "the empty prompt", "zeros": "zeros", "none": "no second branch"}


def _described(facts: ModelFacts, memory: dict[str, int] | None) -> list[tuple[str, str]]:
    from negspace.cli.planning import memory_in_words

    numbers = [
        *(["sizes"] if facts.sizes else []),
        *([f"guidance, {facts.guidance:g} by default"] if facts.guidance is not None else []),
    ]
    return [
        ("name", f"{facts.name} ({facts.family}, {facts.prediction})"),
        ("size", f"{facts.width}x{facts.height}; any multiple of {facts.multiple}"),
        ("defaults", f"{facts.rule}, scale {facts.scale:g}, {facts.sampler}, {facts.steps} steps"),
        ("a negative", _negative(facts)),
        ("none given", f"means {_ABSENT[facts.absent]}"),
        *((("also takes", "; ".join(numbers)),) if numbers else ()),
        ("encoders", "; ".join(f"{part.name}, {part.chunk} tokens a window" for part in facts.encoders)),
        ("words", _words(facts)),
        ("rules", ", ".join(facts.rules)),
        ("samplers", ", ".join(facts.samplers)),
        *((("memory", f"{memory_in_words(memory, None)} for weights"),) if memory is not None else ()),
    ]


def _negative(facts: ModelFacts) -> str:
    """What a negative can do in a model, and how."""
    rules = [name for name in ("nag", "vsf") if name in facts.rules]
    through = f"acts through {' or '.join(rules)} in its attention" if rules else "cannot act"
    if facts.distilled:
        return f"{through}; a second branch does harm, because guidance is distilled into the weights"
    if not facts.negative_branch:
        return f"{through}; there is no second branch"
    return "acts through a second branch where the scale is not 1"


def _words(facts: ModelFacts) -> str:
    words = facts.encoders[0].words
    if words is None:
        return "any text; there is no list of what it learned"
    return f"{len(words)} known: {', '.join(sorted(words))}"


def _plain(facts: ModelFacts, memory: dict[str, int] | None) -> dict[str, Any]:
    return facts.to_plain() | {"a_negative": _negative(facts), "memory": memory}
