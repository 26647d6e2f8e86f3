"""`negspace prove`: is the negative necessary, and which part of it? Measured, with a report."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import GENERATION_PANEL, OUTPUT_PANEL, REQUEST_PANEL, Cluster, Json, Judges, Workers
from negspace.cli.output import slug
from negspace.cli.sources import source_options
from negspace.models.files.source import Source

if TYPE_CHECKING:
    from negspace.lab.proof import Proof
    from negspace.lab.verdicts import Control, Findings

PERSON = "person"
KINDS = {"no_evidence": "no evidence", "unknown": "unknown to this model"}


@source_options
def prove(
    prompt: Annotated[
        str | None, typer.Argument(help="What is wanted. May be left out with --prompts.", show_default=False)
    ] = None,
    avoid: Annotated[
        str,
        typer.Option(
            "--avoid", "-a", metavar="TEXT", help="The list, with commas.", rich_help_panel=REQUEST_PANEL
        ),
    ] = "",
    prompts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="More prompts, one a line.",
            rich_help_panel=REQUEST_PANEL,
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME", help="A name or a folder.", rich_help_panel=REQUEST_PANEL
        ),
    ] = "embedded",
    seed: Annotated[
        int, typer.Option(metavar="N", help="Of the first picture.", rich_help_panel=REQUEST_PANEL)
    ] = 0,
    *,
    parts: Source,
    max_pictures: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Make at most so many.", rich_help_panel=GENERATION_PANEL, show_default=False
        ),
    ] = None,
    scale: Annotated[
        float | None, typer.Option(metavar="W", help="Guidance scale.", rich_help_panel=GENERATION_PANEL)
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="How predictions are combined.", rich_help_panel=GENERATION_PANEL),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Of the sampler.", rich_help_panel=GENERATION_PANEL)
    ] = None,
    sampler: Annotated[
        str | None, typer.Option(metavar="NAME", help='Such as "Euler a".', rich_help_panel=GENERATION_PANEL)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FOLDER",
            help="Where everything goes; the same command goes on with what is there.",
            rich_help_panel=OUTPUT_PANEL,
            show_default=False,
        ),
    ] = None,
    judge: Judges = None,
    workers: Workers = None,
    cluster: Cluster = None,
    json: Json = False,
) -> None:
    """Prove whether a negative is necessary, and which part of it.

    Every term is tried by itself and left out of the list, on the same noise, beside controls;
    pictures are made until the evidence is there or ruled out. Stop it at any moment: the same
    command goes on where it was. With --judge person they are shown to you on a local page.
    """
    from negspace.files import check_folder

    judges = () if judge is None else tuple(judge)
    _check_judges(judges)
    asked, source = _prompts(prompt, prompts), parts.with_path(model)
    fields = {"scale": scale, "rule": rule, "steps": steps, "sampler": sampler}
    folder = out or Path("negspace-proof") / _name(asked, avoid, source, seed, fields, judges)
    check_folder(folder)

    from negspace.cli.running import open_model, site_of, watch
    from negspace.judge import open_judges
    from negspace.lab.proof import Proof
    from negspace.lab.report import Report
    from negspace.lab.witness import Blind

    by_person = judges == (PERSON,)
    witness = Blind() if by_person else open_judges(judges) if judges else None
    opened = open_model(source)
    more: dict[str, Any] = {"witness": witness, "site": site_of(opened, workers, cluster)}
    more |= {"folder": folder, "max_pictures": max_pictures, "seed": seed, **fields}
    with Proof(asked, avoid, opened, **more) as proof:
        if by_person:
            report = Report(_voted(proof, folder), ())
        else:
            if not json:
                _show_start(proof, folder)
            watch(proof, proof.most)
            report = proof.report()
        files = report.save(folder)
    if json:
        show.as_json(
            {
                **report.found.model_dump(mode="json"),
                "folder": str(folder),
                "files": [str(file) for file in files],
            }
        )
        return
    _show(report.found)
    show.line("")
    for file in files:
        show.line(str(file), "bold")


def _check_judges(judges: tuple[str, ...]) -> None:
    from negspace.errors import LabError
    from negspace.judge.opening import find_opener

    if PERSON in judges and len(judges) > 1:
        raise LabError("judge: a person judges alone; leave the others out")
    for judge in judges:
        if judge != PERSON:
            find_opener(judge, (PERSON,))


def _voted(proof: "Proof", folder: Path) -> "Findings":
    """What a person says who votes on a page that this machine serves to itself."""
    from negspace.lab.voting import Booth
    from negspace.lab.voting_page import VotingServer

    with Booth(proof, folder) as booth:
        if booth.duel() is not None:
            with VotingServer(booth) as desk:
                show.err.print(f"vote at {desk.url} (at most {booth.most - booth.voted} to come)")
                typer.launch(desk.url)
                while not desk.wait(0.5):  # so that an interrupt is heard
                    pass
        return booth.findings()


def _prompts(prompt: str | None, file: Path | None) -> tuple[str, ...]:
    from negspace.errors import LabError

    found = [] if prompt is None else [prompt]
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"prompts: cannot read {file}: {error}") from None
        found += [line.strip() for line in lines if line.strip()]
    if not found:
        raise LabError("prompt: there is none; give one, or a file of them with --prompts")
    return tuple(found)


def _name(prompts: tuple[str, ...], *others: object) -> str:
    """A folder name that the same question finds again."""
    told = hashlib.sha256(repr((prompts, *others)).encode()).hexdigest()[:8]
    return f"{slug(prompts[0])}-{told}"


def _show_start(proof: "Proof", folder: Path) -> None:
    ahead = proof.ahead()
    show.line(
        f"at most {proof.most} pictures, {proof.there} are in {folder}; a term that saves 24 and spoils 6 "
        f"of 100 pictures is found with chance {ahead.helps:.2f}, in {ahead.mean:.0f} pairs on average",
        "dim",
    )


def _show(found: "Findings") -> None:
    from negspace.lab.wording import between

    show.line("")
    show.line(found.answer, "bold")
    show.line(found.recommendation)
    show.line("")
    rows: list[list[str]] = []
    for term, one in found.verdicts.items():
        effect = "" if one.amiss is None else between(one.amiss)
        cost = "" if one.amiss is None else f"{one.extra:+d}, {one.tokens} token{'s' * (one.tokens != 1)}"
        rows.append([term, KINDS.get(one.kind, one.kind), effect, str(one.pairs or ""), cost])
    show.table(("term", "verdict", "pictures as asked", "pairs", "evaluations more"), rows)
    show.line("")
    for term, one in found.verdicts.items():
        show.line(f"{term}: {one.why}")
    if found.controls:
        show.line("")
    for control in found.controls:
        show.line(f"control {control.name} ({control.told}): {_seen(control)}", "dim")


def _seen(control: "Control") -> str:
    """What a control showed."""
    from negspace.lab.wording import between

    if control.effect is not None:
        return between(control.effect)
    if control.identical is not None:
        return "identical" if control.identical else "NOT identical: nothing here can be trusted"
    return f"not made: {control.why_not}"
