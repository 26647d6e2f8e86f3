"""Report: what a proof found, with the pictures worth showing; kept as JSON and as one HTML page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from PIL import Image

from negspace.files import write_whole
from negspace.lab.findings import Findings, TermVerdict

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

    found: Findings
    examples: tuple[Example, ...]
    figures: tuple[tuple[str, "Figure"], ...] = ()

    @property
    def verdicts(self) -> Mapping[str, TermVerdict]:
        """What each term does."""
        return self.found.verdicts

    @property
    def smallest_list(self) -> tuple[str, ...]:
        """The terms that are enough."""
        return self.found.smallest_list

    @property
    def answer(self) -> str:
        """The answer in one sentence."""
        return self.found.answer

    def to_json(self) -> str:
        """All that was found; equal for two proofs of one question."""
        return self.found.to_json(indent=2)

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write `report.html`, `report.json` and the figures, whole or not at all; the files.

        Raises:
            OutputError: they cannot be written.
        """
        from negspace.lab.figures import drawn
        from negspace.lab.page import page

        place = Path(folder)
        drawings = [(told, *drawn(figure)) for told, figure in self.figures]
        files = {
            place / "report.html": page(self, [(told, svg) for told, svg, _ in drawings]).encode(),
            place / "report.json": f"{self.to_json()}\n".encode(),
        }
        for number, (_, svg, dots) in enumerate(drawings, start=1):
            files[place / "figures" / f"{number}.svg"] = svg
            files[place / "figures" / f"{number}.png"] = dots
        write_whole(files)
        return tuple(files)
