"""`negspace prove`: is the negative necessary, and which part of it? Measured, with a report."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import (
    ClusterOption,
    JsonOption,
    JudgesOption,
    ModelOption,
    StepsOption,
    WorkersOption,
    in_generation,
    in_output,
    in_request,
)
from negspace.cli.output import slug
from negspace.cli.sources import source_options
from negspace.errors import LabError
from negspace.models.files.source import Source

if TYPE_CHECKING:
    from negspace.lab.proof import Proof
    from negspace.lab.results import Control, ProofResult

PERSON = "person"


@source_options
def prove(
    prompt: Annotated[
        str | None, typer.Argument(help="What is wanted. May be left out with --prompts.")
    ] = None,
    avoid: Annotated[str, in_request("TEXT", "The list, with commas.", "--avoid", "-a")] = "",
    prompts: Annotated[Path | None, in_request("FILE", "More prompts, one a line.")] = None,
    model: ModelOption = "embedded",
    seed: Annotated[int, in_request("N", "Of the first picture.")] = 0,
    *,
    parts: Source,
    max_pictures: Annotated[int | None, in_generation("N", "Make at most so many.")] = None,
    smallest: Annotated[
        float, in_generation("SHARE", "The smallest net share of pictures that is worth having.")
    ] = 0.1,
    scale: Annotated[float | None, in_generation("W", "Guidance scale.")] = None,
    rule: Annotated[str | None, in_generation("TEXT", "How predictions are combined.")] = None,
    steps: StepsOption = None,
    sampler: Annotated[str | None, in_generation("NAME", 'Such as "Euler a".')] = None,
    out: Annotated[
        Path | None,
        in_output(
            "FOLDER",
            "Where everything goes; the same command goes on with what is there.",
            "--out",
            "-o",
        ),
    ] = None,
    judge: JudgesOption = None,
    workers: WorkersOption = None,
    cluster: ClusterOption = None,
    json: JsonOption = False,
) -> None:
    """Prove whether a negative is necessary, and which part of it.

    Every term is tried by itself and left out of the list, on the same noise, beside controls;
    pictures are made until the evidence is there or ruled out. Stop it at any moment: the same
    command goes on where it was. With --judge person they are shown to you on a local page.
    """
    from negspace.files import check_folder

    judges = () if judge is None else tuple(judge)
    _check_judges(judges)
    all_prompts, source = _prompts(prompt, prompts), parts.with_path(model)
    fields = {"scale": scale, "rule": rule, "steps": steps, "sampler": sampler}
    folder = out or Path("negspace-proof") / _name(all_prompts, avoid, source, seed, fields, judges)
    check_folder(folder)

    from negspace.cli.running import open_model, site_of, watch
    from negspace.judge import open_judges
    from negspace.lab.proof import Proof
    from negspace.lab.report import Report
    from negspace.lab.witness import BlindWitness

    by_person = judges == (PERSON,)
    witness = BlindWitness() if by_person else open_judges(judges) if judges else None
    opened = open_model(source)
    settings: dict[str, Any] = {"witness": witness, "site": site_of(opened, workers, cluster)}
    settings |= {"folder": folder, "max_pictures": max_pictures, "smallest": smallest, "seed": seed, **fields}
    with Proof(all_prompts, avoid, opened, **settings) as proof:
        if by_person:
            report = Report(_vote(proof, folder), ())
        else:
            if not json:
                _show_start(proof, folder)
            watch(proof, proof.most)
            report = proof.report()
        files = report.save(folder)
    if json:
        fields = report.result.model_dump(mode="json")
        show.as_json(fields | {"folder": str(folder), "files": [str(file) for file in files]})
        return
    _show(report.result)
    show.line("")
    for file in files:
        show.line(str(file), "bold")


def _check_judges(judges: tuple[str, ...]) -> None:
    from negspace.judge.opening import find_opener

    if PERSON in judges and len(judges) > 1:
        raise LabError("judge: a person judges alone; leave the others out")
    for judge in judges:
        if judge != PERSON:
            find_opener(judge, (PERSON,))


def _vote(proof: "Proof", folder: Path) -> "ProofResult":
    """The result of the votes that a person gives on a page that this machine serves to itself."""
    from negspace.lab.voting import VotingSession
    from negspace.lab.voting_page import VotingServer

    with VotingSession(proof, folder) as session:
        if session.next_pair() is not None:
            with VotingServer(session) as server:
                show.err.print(f"vote at {server.url} (at most {session.most - session.voted} to come)")
                typer.launch(server.url)
                while not server.wait(0.5):  # in short waits, so that an interrupt has an effect
                    pass
        return session.result()


def _prompts(prompt: str | None, file: Path | None) -> tuple[str, ...]:
    prompts = [] if prompt is None else [prompt]
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LabError(f"prompts: cannot read {file}: {error}") from None
        prompts += [line.strip() for line in lines if line.strip()]
    if not prompts:
        raise LabError("prompt: there is none; give one, or a file of them with --prompts")
    return tuple(prompts)


def _name(prompts: tuple[str, ...], *others: object) -> str:
    """A folder name that depends on the question alone, so that the same command continues."""
    digest = hashlib.sha256(repr((prompts, *others)).encode()).hexdigest()[:8]
    return f"{slug(prompts[0])}-{digest}"


def _show_start(proof: "Proof", folder: Path) -> None:
    forecast = proof.forecast()
    show.line(
        f"at most {proof.most} pictures, {proof.stored} are in {folder}; a term that saves 24 and spoils 6 "
        f"of 100 pictures is found with chance {forecast.helps:.2f}, in {forecast.mean:.0f} pairs on average",
        "dim",
    )


def _show(result: "ProofResult") -> None:
    from negspace.lab.report import verdict_label
    from negspace.lab.wording import effect_text

    show.line("")
    show.line(result.answer, "bold")
    show.line(result.recommendation)
    show.line("")
    rows: list[list[str]] = []
    for term, verdict in result.verdicts.items():
        effect = cost = ""
        if verdict.amiss is not None:
            effect = effect_text(verdict.amiss)
            cost = f"{verdict.extra:+d}, {verdict.tokens} token{'s' * (verdict.tokens != 1)}"
        rows.append([term, verdict_label(verdict), effect, str(verdict.pairs or ""), cost])
    show.table(("term", "verdict", "pictures as asked", "pairs", "evaluations more"), rows)
    show.line("")
    for term, verdict in result.verdicts.items():
        show.line(f"{term}: {verdict.why}")
    if result.controls:
        show.line("")
    for control in result.controls:
        show.line(f"control {control.name} ({control.description}): {_control_text(control)}", "dim")


def _control_text(control: "Control") -> str:
    """What a control showed."""
    from negspace.lab.wording import effect_text

    if control.effect is not None:
        return effect_text(control.effect)
    if control.identical is not None:
        return "identical" if control.identical else "NOT identical: nothing here can be trusted"
    return f"not made: {control.why_not}"
