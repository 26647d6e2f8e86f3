"""`negspace check`: what existing pictures show that they must not."""

from pathlib import Path
from typing import Annotated

import typer

from negspace.cli.options import JUDGE_CHOICES, JsonOption, in_checks, in_output, option
from negspace.cli.pictures import picture_files


def check(
    pictures: Annotated[
        list[str], typer.Argument(metavar="PICTURE...", help="Files, folders, patterns like 'a/*.png'.")
    ],
    policy: Annotated[
        list[str] | None,
        option("NAME_OR_FILE", "What must not be there; may be given several times.", "--policy", "-p"),
    ] = None,
    avoid: Annotated[
        list[str] | None, option("TERM", "One more thing that must not be there.", "--avoid", "-a")
    ] = None,
    judge: Annotated[
        list[str] | None,
        in_checks(
            "NAME|FOLDER",
            f"Who looks; auto if left out. {JUDGE_CHOICES} May be given several times.",
            "--judge",
            "-j",
        ),
    ] = None,
    junit: Annotated[Path | None, in_output("FILE", "Also write a JUnit report.")] = None,
    sheet: Annotated[
        Path | None, in_output("FILE", "Also draw what did not pass, with boxes where text is.")
    ] = None,
    watch: Annotated[
        bool, in_output("", "Then wait for new pictures in the folders, until Ctrl-C.", "--watch")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Look at existing pictures, from anywhere, for what a policy says they must not show.

    What no judge can see is unknown, and never passes for absent.
    Exit code 3 says that a picture shows something, or that nobody could look for what a policy blocks; 2
    that a file could not be read.
    """
    from negspace.cli.check_report import CheckReport
    from negspace.cli.watching import folders_of, new_pictures
    from negspace.errors import JudgeError
    from negspace.judge import open_judges
    from negspace.judge.base import JudgeClock
    from negspace.judge.checking import check_pictures, targets
    from negspace.policy.loading import load_policy

    if not policy and not avoid:
        raise JudgeError("say what must not be there: --policy quality-marks, or --avoid TERM")
    policies = [load_policy(name) for name in policy or ()]
    folders = folders_of(pictures) if watch else ()
    files, left_out = ([], 0) if watch and _all_empty(folders, pictures) else picture_files(pictures)
    clock = JudgeClock()
    opened = open_judges(judge or ["auto"]).timed(clock)
    looked_for = targets(policies, avoid or (), opened)
    report = CheckReport(looked_for, left_out, any(term.unless for each in policies for term in each.avoid))
    with report.progress(len(files)) as advance:
        for checked in check_pictures(files, looked_for, opened):
            report.add(checked)
            advance()
    report.write(junit, sheet)
    report.show(clock.milliseconds(), as_json=json)
    for batch in new_pictures(folders):
        for checked in check_pictures(batch, looked_for, opened):
            report.show_new(checked, as_json=json)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def _all_empty(folders: tuple[Path, ...], pictures: list[str]) -> bool:
    """Whether there is nothing yet in what is watched."""
    return len(folders) == len(pictures) and not any(file for folder in folders for file in folder.iterdir())
