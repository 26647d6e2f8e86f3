"""`negspace demo`: the same seeds without and with a negative, and what an oracle sees in the pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from PIL import Image

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

WISHES = (("a snowman, night", "hat"), ("a red house, meadow", "smoke"), ("a blue boat, beach", "flag"))
"""Prompts, each of a subject and something, and what comes along with it unasked."""

RULES = (None, "cfg", "auto")
"""How it is avoided: not at all, in the empty prompt's place, and by our own rule."""


def demo(out: OutFolderOption = Path("demo"), n: CountOption = 6, seed: SeedOption = 7) -> None:
    """Draw three prompts without and with a negative, by two rules, on the same seeds."""
    from negspace import png
    from negspace.cli.running import make, open_model
    from negspace.contact_sheet import sheet
    from negspace.files import check_folder, write_whole
    from negspace.judge import Oracle
    from negspace.models.files.source import EMBEDDED, Source

    if n < 1:
        raise RequestError(f"at least one picture a row, not {n}")
    check_folder(out)
    model = open_model(Source(EMBEDDED))
    oracle = Oracle.load()
    rows: list[Sequence[Image.Image]] = []
    labels: list[str] = []
    seen: list[tuple[str, ...]] = []
    for prompt, thing in WISHES:
        cells = [prompt, thing]
        for rule in RULES:
            avoid = None if rule is None else thing
            request = Request(prompt=prompt, avoid=avoid, rule=rule, model=EMBEDDED, seed=seed, n=n)
            result = make(model, model.plan(request))
            written = write_run(out, result.images, result.receipt, None)
            rows.append(result.images)
            labels.append(prompt if avoid is None else f"the same, avoiding {avoid} by {rule}")
            cells.append(_seen(oracle, result.images, prompt, thing))
            show.line(labels[-1], "bold")
            show.pairs([("acted", acted(result.receipt)), ("counted", counted(result.receipt))])
            show_written(written)
            show.line("")
        seen.append(tuple(cells))
    side_by_side = out / "side-by-side.png"
    headings = [f"seed {seed + index}" for index in range(n)]
    write_whole({side_by_side: png.encode(sheet(rows, headings=headings, labels=labels))})
    show.line(
        "What the oracle sees: a network that was trained on drawn scenes alone and never read a caption."
    )
    show.table(("prompt", "avoided", *(rule or "without" for rule in RULES)), seen)
    show.line("")
    show.line(f"side by side:  {side_by_side}", "bold")
    show.line("Each picture carries its receipt: negspace read FILE")


def _seen(oracle: "Oracle", pictures: Sequence[Image.Image], prompt: str, thing: str) -> str:
    """In how many of the pictures the oracle sees a thing, and in how many the subject of the prompt."""
    subject = prompt.split(",")[0].split()[-1]
    readings = oracle.read(pictures)
    there = sum(reading.has(thing) for reading in readings)
    kept = sum(reading.best("subject") == subject for reading in readings)
    return f"{there} of {len(pictures)} ({subject} {kept})"
