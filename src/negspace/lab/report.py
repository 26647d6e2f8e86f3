"""Reports: results as JSON and as one HTML page, with figures and pictures."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from negspace import png
from negspace.files import write_whole
from negspace.lab import wording
from negspace.lab.results import ProofResult, TermVerdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND_LABELS = {
    "helps": "helps",
    "harms": "harms",
    "no_evidence": "no evidence",
    "inert": "inert",
    "unknown": "unknown to this model",
}
CONTROL_LABELS = {
    "again": "the same request twice",
    "unrelated": "an unrelated word",
    "random": "as many random words",
    "strength": "plain strength, no negative",
}


@final
@dataclass(frozen=True, eq=False)
class Example:
    """One picture that a report shows, in RGB.

    Attributes:
        arm: what it was made with, in words.
        seen: the things in it.
    """

    arm: str
    seed: int
    seen: tuple[str, ...]
    picture: Image.Image


@final
@dataclass(frozen=True, eq=False)
class Report:
    """The result of a proof, with the pictures and figures, (caption, figure), that are worth showing."""

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
        """The result as JSON; equal for two proofs of the same question."""
        return self.result.to_json(indent=2)

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write `report.html`, `report.json` and the figures, all of them or none; returns the files.

        Raises:
            OutputError: they cannot be written.
        """
        verdicts = self.result.verdicts.values()
        return save_page(
            Path(folder),
            "report",
            self.result,
            self.figures,
            rows=[(verdict_label(verdict), verdict) for verdict in verdicts],
            controls=[
                (CONTROL_LABELS.get(control.name, control.name), control) for control in self.result.controls
            ],
            listed=wording.terms_text([verdict.term for verdict in verdicts]),
            strips=[_strip(arm, group) for arm, group in groupby(self.examples, lambda example: example.arm)],
        )


def verdict_label(verdict: TermVerdict) -> str:
    """A verdict in a word or two."""
    return "cannot say" if verdict.needs else KIND_LABELS[verdict.kind]


class SavedResult(Protocol):
    """Numbers that are written as JSON, with the versions of the programs that gave them."""

    @property
    def versions(self) -> Mapping[str, str]: ...

    def to_json(self, *, indent: int | None = None) -> str: ...


def save_page(
    folder: Path, name: str, result: SavedResult, figures: Sequence[tuple[str, "Figure"]], **values: Any
) -> tuple[Path, ...]:
    """Write a page, its result as JSON, and its figures, all of them or none; returns the files.

    Args:
        name: of the template, of the page and of the JSON file, without their endings.
        figures: (caption, figure).
        values: further values of the template.

    Raises:
        OutputError: they cannot be written.
    """
    from negspace.lab.figures import render

    rendered = [(caption, *render(figure)) for caption, figure in figures]
    page = render_template(
        f"{name}.html",
        result=result,
        figures=[(caption, _inline(svg)) for caption, svg, _ in rendered],
        versions=", ".join(f"{program} {version}" for program, version in result.versions.items()),
        **values,
    )
    files = {
        folder / f"{name}.html": page.encode(),
        folder / f"{name}.json": f"{result.to_json(indent=2)}\n".encode(),
    }
    for number, (_, svg, pixels) in enumerate(rendered, start=1):
        files[folder / "figures" / f"{number}.svg"] = svg
        files[folder / "figures" / f"{number}.png"] = pixels
    write_whole(files)
    return tuple(files)


def render_template(template: str, **values: Any) -> str:
    """A template of this package, filled. It is an error if a value that the template uses is missing."""
    environment = Environment(
        loader=PackageLoader("negspace.lab"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "percent": wording.percent,
        "points": wording.points,
        "effect_text": wording.effect_text,
        "position": lambda value: f"{min(max(50 + 50 * value, 0), 100):.1f}",
    }
    return environment.get_template(template).render(**values)


def data_url(picture: Image.Image) -> str:
    """A picture as a URL that contains it."""
    return f"data:image/png;base64,{b64encode(png.encode(picture.copy())).decode()}"


def _strip(arm: str, examples: Iterable[Example]) -> tuple[str, list[tuple[str, str]]]:
    """A row of pictures: what they were made with, and (data URL, caption) of each."""
    return arm, [
        (data_url(example.picture), f"seed {example.seed}: {', '.join(example.seen) or 'nothing known'}")
        for example in examples
    ]


def _inline(svg: bytes) -> str:
    """An SVG drawing as part of a page: without what precedes its first tag."""
    text = svg.decode()
    return text[text.index("<svg") :]
