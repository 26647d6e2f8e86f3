"""What `negspace check` prints and writes: a table, JSON, a JUnit report and a contact sheet."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, final
from xml.etree import ElementTree

from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from negspace import png
from negspace.cli import show
from negspace.cli.imagine import WITHHELD
from negspace.contact_sheet import boxed, near_square, sheet
from negspace.files import write_whole
from negspace.judge.checking import ForbiddenTerm, PictureCheck
from negspace.records import JudgeVerdict

UNREADABLE: Final = 2
"""Exit code where a file could not be read, as for other wrong input."""

_MOST_DRAWN: Final = 48


@final
class CheckReport:
    """Collects what is seen in pictures, and tells it.

    Args:
        targets: what was looked for.
        left_out: files in folders that are not called like pictures.
        lifted: whether a policy has terms that some prompts lift, which a picture alone does not show.
    """

    def __init__(self, targets: Sequence[ForbiddenTerm], left_out: int, lifted: bool) -> None:
        self._targets = targets
        self._left_out, self._lifted = left_out, lifted
        self._checks: list[PictureCheck] = []
        self._drawn: list[tuple[str, Image.Image]] = []

    def add(self, checked: PictureCheck) -> None:
        """Take one picture in; its pixels are kept only where they are drawn."""
        if checked.thumbnail is not None and not checked.passed and len(self._drawn) < _MOST_DRAWN:
            boxes = [box for verdict in checked.seen for box in verdict.boxes]
            self._drawn.append((checked.file.name, boxed(checked.thumbnail, boxes)))
        self._checks.append(replace(checked, thumbnail=None))

    @property
    def exit_code(self) -> int:
        """0 where every picture passed."""
        if any(checked.seen or checked.missed for checked in self._checks):
            return WITHHELD
        return UNREADABLE if any(checked.problem for checked in self._checks) else 0

    @contextmanager
    def progress(self, count: int) -> Iterator[Callable[[], None]]:
        """A bar on stderr; what it gives moves it on by one picture."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("pictures"), TimeRemainingColumn())
        with Progress(*columns, console=show.err, transient=True, disable=not show.err.is_terminal) as bar:
            task = bar.add_task("check", total=count)
            yield lambda: bar.advance(task)

    def write(self, junit: Path | None, drawing: Path | None) -> None:
        """Write the JUnit report and the contact sheet, both or neither.

        Raises:
            OutputError: they cannot be written.
        """
        files: dict[Path, bytes] = {}
        if junit is not None:
            files[junit] = _junit(self._checks)
        if drawing is not None and self._drawn:
            files[drawing] = png.encode(_sheet(self._drawn))
        write_whole(files)

    def show(self, milliseconds: Mapping[str, float], *, as_json: bool) -> None:
        """Print everything."""
        if as_json:
            show.as_json(self._as_json(milliseconds))
            return
        if self._checks:
            show.table(("picture", "outcome", "what"), [_row(checked) for checked in self._checks])
            show.line("")
            show.table(("not wanted", "seen in", "absent in", "unknown in", "why"), list(self._term_rows()))
            show.line("")
        for line in self._lines(milliseconds):
            show.line(line)

    def show_new(self, checked: PictureCheck, *, as_json: bool) -> None:
        """Print one picture that came later, in one line."""
        if as_json:
            print(json.dumps(_picture_json(checked), ensure_ascii=False, allow_nan=False), flush=True)
        else:
            show.line("  ".join(part for part in _row(checked) if part))

    def _lines(self, milliseconds: Mapping[str, float]) -> Iterator[str]:
        counts = Counter(checked.outcome for checked in self._checks)
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        yield f"{len(self._checks)} pictures: {outcomes}" if self._checks else "no pictures yet"
        if missed := sorted({term for checked in self._checks for term in checked.missed}):
            yield (
                f"not passed: nobody could look for {', '.join(missed)}, which a policy blocks; "
                "name a judge that can, or accept it: unchecked: deliver"
            )
        if len(self._drawn) == _MOST_DRAWN:
            yield f"the sheet has the first {_MOST_DRAWN} pictures that did not pass"
        if self._left_out:
            yield f"{self._left_out} other files in the folders are not called like pictures"
        if self._lifted:
            yield "terms that a prompt may lift (unless) were looked for all the same: there is no prompt"
        judged = sum(checked.problem is None for checked in self._checks)
        for name, time in milliseconds.items():
            yield f"{name}: {time / max(1, judged):.0f} ms a picture"

    def _term_rows(self) -> Iterator[tuple[str, ...]]:
        for index, target in enumerate(self._targets):
            verdicts = [checked.verdicts[index] for checked in self._checks if checked.verdicts]
            counts = Counter(verdict.verdict for verdict in verdicts)
            why = next((verdict.why_not for verdict in verdicts if verdict.why_not), None) or ""
            yield (target.term, *(str(counts[kind]) for kind in ("seen", "absent", "unknown")), why)

    def _as_json(self, milliseconds: Mapping[str, float]) -> dict[str, Any]:
        return {
            "pictures": [_picture_json(checked) for checked in self._checks],
            "outcomes": Counter(checked.outcome for checked in self._checks),
            "looked_for": [
                {"term": target.term, "source": target.source, "concept": target.concept}
                for target in self._targets
            ],
            "left_out": self._left_out,
            "milliseconds": dict(milliseconds),
            "exit_code": self.exit_code,
        }


def _row(checked: PictureCheck) -> tuple[str, str, str]:
    what = [checked.problem, *map(_seen, checked.seen), *checked.notes]
    return str(checked.file), checked.outcome, "; ".join(filter(None, what))


def _seen(verdict: JudgeVerdict) -> str:
    score = "" if verdict.score is None else f" {verdict.score:.2g}"
    return f"{verdict.concept}{score}" + (f" {verdict.words!r}" if verdict.words else "")


def _picture_json(checked: PictureCheck) -> dict[str, Any]:
    return {
        "file": str(checked.file),
        "outcome": checked.outcome,
        "passed": checked.passed,
        "problem": checked.problem,
        "notes": checked.notes,
        "missed": checked.missed,
        "defects": {family: round(share, 6) for family, share in checked.defects.items()},
        "verdicts": [verdict.model_dump(mode="json", exclude_defaults=True) for verdict in checked.verdicts],
    }


def _junit(checks: Sequence[PictureCheck]) -> bytes:
    """One case a picture, in the layout that continuous integration reads: a failure where something was seen
    or not looked for, an error where the file cannot be read, skipped where something is unknown."""
    counts = Counter(_case_kind(checked) for checked in checks)
    suite = ElementTree.Element(
        "testsuite",
        name="negspace check",
        tests=str(len(checks)),
        failures=str(counts["failure"]),
        errors=str(counts["error"]),
        skipped=str(counts["skipped"]),
    )
    for checked in checks:
        case = ElementTree.SubElement(suite, "testcase", name=str(checked.file), classname="negspace.check")
        kind = _case_kind(checked)
        if kind is not None:
            ElementTree.SubElement(case, kind, message=_printable(_why(checked)))
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)


def _case_kind(checked: PictureCheck) -> str | None:
    if checked.problem is not None:
        return "error"
    if not checked.passed:
        return "failure"
    return "skipped" if checked.unknown else None


def _why(checked: PictureCheck) -> str:
    unknown = ", ".join(verdict.concept for verdict in checked.unknown)
    return "; ".join(filter(None, (_row(checked)[2], unknown and f"unknown: {unknown}")))


def _printable(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _sheet(drawn: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    return sheet(near_square([_labelled(name, picture) for name, picture in drawn]))


def _labelled(name: str, picture: Image.Image) -> Image.Image:
    """The picture in the middle of a square with its name above."""
    labelled = sheet([[picture]], labels=[name], smallest=1)
    square = Image.new("RGB", (288, 312), "white")
    square.paste(labelled, ((288 - labelled.width) // 2, 0))
    return square
