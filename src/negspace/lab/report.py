"""Report: what a proof found, with the pictures worth showing; kept as JSON and as one HTML page."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from negspace import png
from negspace.files import write_whole
from negspace.lab import wording
from negspace.lab.results import ProofResult, TermVerdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@final
@dataclass(frozen=True, eq=False)
class Example:
    """One picture that a report shows.

    Attributes:
        arm: what it was made with, in words.
        seed: of it.
        seen: the things in it.
        picture: RGB.
    """

    arm: str
    seed: int
    seen: tuple[str, ...]
    picture: Image.Image


@final
@dataclass(frozen=True, eq=False)
class Report:
    """What a proof found.

    Attributes:
        found: all of it, as a frozen value.
        examples: pictures worth showing.
        figures: drawings of what was measured: (in words, the figure).
    """

    result: ProofResult
    examples: tuple[Example, ...]
    figures: tuple[tuple[str, "Figure"], ...] = ()

    @property
    def verdicts(self) -> Mapping[str, TermVerdict]:
        """What each term does."""
        return self.result.verdicts

    @property
    def smallest_list(self) -> tuple[str, ...]:
        """The terms that are enough."""
        return self.result.smallest_list

    @property
    def answer(self) -> str:
        """The answer in one sentence."""
        return self.result.answer

    def to_json(self) -> str:
        """All that was found; equal for two proofs of one question."""
        return self.result.to_json(indent=2)

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write `report.html`, `report.json` and the figures, whole or not at all; the files.

        Raises:
            OutputError: they cannot be written.
        """
        from negspace.lab.figures import render

        place = Path(folder)
        drawings = [(told, *render(figure)) for told, figure in self.figures]
        files = {
            place / "report.html": page(self, [(told, svg) for told, svg, _ in drawings]).encode(),
            place / "report.json": f"{self.to_json()}\n".encode(),
        }
        for number, (_, svg, dots) in enumerate(drawings, start=1):
            files[place / "figures" / f"{number}.svg"] = svg
            files[place / "figures" / f"{number}.png"] = dots
        write_whole(files)
        return tuple(files)


if TYPE_CHECKING:
    from negspace.lab.report import Example, Report
KINDS = {
    "helps": "helps",
    "harms": "harms",
    "no_evidence": "no evidence",
    "inert": "inert",
    "unknown": "unknown to this model",
}
CONTROLS = {
    "again": "the same request twice",
    "unrelated": "an unrelated word",
    "random": "as many random words",
    "strength": "plain strength, no negative",
}


def page(report: "Report", drawings: Sequence[tuple[str, bytes]] = ()) -> str:
    """The page of a report, with drawings: (in words, SVG)."""
    found = report.result
    return render_template(
        "report.html",
        found=found,
        rows=[(KINDS[one.kind], one) for one in found.verdicts.values()],
        controls=[(CONTROLS.get(one.name, one.name), one) for one in found.controls],
        listed=wording.terms_text([one.term for one in found.verdicts.values()]),
        figures=[(told, inline(svg)) for told, svg in drawings],
        strips=[strip(told, several) for told, several in groupby(report.examples, lambda one: one.arm)],
        versions=", ".join(f"{name} {number}" for name, number in found.versions.items()),
    )


def render_template(template: str, **values: Any) -> str:
    """A template of this folder, filled; a value that it asks for and is not given is an error."""
    environment = Environment(
        loader=PackageLoader("negspace.lab"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "share": wording.percent,
        "points": wording.points,
        "between": wording.effect_text,
        "place": lambda value: f"{min(max(50 + 50 * value, 0), 100):.1f}",
    }
    return environment.get_template(template).render(**values)


def strip(told: str, examples: "Iterable[Example]") -> tuple[str, list[tuple[str, str]]]:
    """A row of pictures: what they were made with, and (data URL, caption) of each."""
    return told, [
        (data_url(one.picture), f"seed {one.seed}: {', '.join(one.seen) or 'nothing known'}")
        for one in examples
    ]


def inline(svg: bytes) -> str:
    """An SVG drawing as part of a page: without what stands before its first tag."""
    text = svg.decode()
    return text[text.index("<svg") :]


def data_url(picture: Image.Image) -> str:
    """A picture as a URL that holds it."""
    return f"data:image/png;base64,{b64encode(png.encode(picture.copy())).decode()}"
