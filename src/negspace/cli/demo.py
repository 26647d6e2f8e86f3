"""`negspace demo`: the same seeds without and with a negative, and what an oracle sees in the pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from PIL import Image, ImageChops

from negspace.cli import show
from negspace.cli.imagine import show_written
from negspace.cli.options import OutFolderOption, option
from negspace.cli.output import write_run
from negspace.cli.receipt import acted, counted
from negspace.errors import RequestError
from negspace.request import Request

if TYPE_CHECKING:
    from negspace.judge import Oracle

CountOption = Annotated[int, option("N", "Pictures a row.", "--number", "-n")]
SeedOption = Annotated[int, option("N", "Of the first picture of every row.")]

WISHES = tuple(
    (f"a {subject}{light}", subject, thing)
    for subject, thing in (("snowman", "hat"), ("house", "smoke"), ("boat", "flag"))
    for light in ("", ", night")
)
"""Prompts by day and by night, their subjects, and what comes along with each unasked."""

RULES = (None, "cfg", "auto")
"""How it is avoided: not at all, in the empty prompt's place, and by our own rule."""

_SHOWN = 2
"""Pictures of each prompt on the strip."""


@dataclass(frozen=True)
class PromptPictures:
    """What the oracle sees in the pictures of one prompt by one rule.

    Attributes:
        there: of each picture, whether the thing is in it.
        kept: of each picture, whether the subject is in it.
    """

    images: Sequence[Image.Image]
    there: tuple[bool, ...]
    kept: tuple[bool, ...]


def demo(out: OutFolderOption = Path("demo"), n: CountOption = 4, seed: SeedOption = 7) -> None:
    """Draw three things by day and by night, without and with a negative, by two rules, on the same seeds."""
    from negspace.cli.running import make, open_model
    from negspace.files import check_folder
    from negspace.judge import Oracle
    from negspace.models.files.source import EMBEDDED, Source

    if n < 1:
        raise RequestError(f"at least one picture a row, not {n}")
    check_folder(out)
    model = open_model(Source(EMBEDDED))
    oracle = Oracle.load()
    rows: dict[str | None, list[PromptPictures]] = {rule: [] for rule in RULES}
    for prompt, subject, thing in WISHES:
        for rule in RULES:
            avoid = None if rule is None else thing
            request = Request(prompt=prompt, avoid=avoid, rule=rule, model=EMBEDDED, seed=seed, n=n)
            result = make(model, model.plan(request))
            written = write_run(out, result.images, result.receipt, None)
            rows[rule].append(_seen(oracle, result.images, subject, thing))
            show.line(prompt if avoid is None else f"{prompt}, avoiding {avoid} by {rule}", "bold")
            show.pairs([("acted", acted(result.receipt)), ("counted", counted(result.receipt))])
            show_written(written)
            show.line("")
    show.line(
        "What the oracle sees: a network that was trained on drawn scenes alone and never read a caption."
    )
    show.line("Pictures, and 95 % intervals of their share in percent:")
    show.table(("avoided", "", *(rule or "without" for rule in RULES)), _table(rows))
    show.line("")
    show.line(f"without, with, difference:  {_write_strip(out, rows)}", "bold")
    show.line("Each picture carries its receipt: negspace read FILE")


def _seen(oracle: "Oracle", pictures: Sequence[Image.Image], subject: str, thing: str) -> PromptPictures:
    readings = oracle.read(pictures)
    return PromptPictures(
        pictures,
        tuple(reading.has(thing) for reading in readings),
        tuple(reading.best("subject") == subject for reading in readings),
    )


def _table(rows: dict[str | None, list[PromptPictures]]) -> list[tuple[str, ...]]:
    """For each thing and for all of them: how often it is there, and how often its subject is."""
    things = tuple(dict.fromkeys(thing for *_, thing in WISHES))
    lines: list[tuple[str, ...]] = []
    for thing in (*things, "all"):
        of = [index for index, wish in enumerate(WISHES) if thing in (wish[-1], "all")]
        for name in ("there", "kept"):
            hits = [[hit for index in of for hit in getattr(rows[rule][index], name)] for rule in RULES]
            title = "subject right" if name == "kept" else "still there"
            lines.append((thing if name == "there" else "", title, *map(_share, hits)))
    return lines


def _share(hits: Sequence[bool]) -> str:
    """How many of how many, with the 95 % interval of the share in percent."""
    from negspace.judge import Rate

    rate = Rate.of(sum(hits), len(hits))
    return f"{sum(hits)} of {len(hits)} [{100 * rate.low:.0f}, {100 * rate.high:.0f}]"


def _write_strip(out: Path, rows: dict[str | None, list[PromptPictures]]) -> Path:
    """The first pictures of every prompt: without a negative, with one, and where the two differ."""
    from negspace import png
    from negspace.contact_sheet import sheet
    from negspace.files import write_whole

    without, steered = (
        [image for row in rows[rule] for image in row.images[:_SHOWN]] for rule in (RULES[0], RULES[-1])
    )
    difference = [ImageChops.difference(*pair) for pair in zip(without, steered, strict=True)]
    shown = len(rows[None][0].images[:_SHOWN])
    headings = [prompt for prompt, *_ in WISHES for _ in range(shown)]
    things = ", ".join(dict.fromkeys(thing for *_, thing in WISHES))
    labels = ("without a negative", f"avoiding {things} by {RULES[-1]}", "what changed")
    file = out / "side-by-side.png"
    write_whole(
        {
            file: png.encode(
                sheet([without, steered, difference], headings=headings, labels=labels, smallest=128)
            )
        }
    )
    return file
