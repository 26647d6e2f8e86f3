"""The page of a report: one HTML file with everything in it, pictures included."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from negspace import png
from negspace.lab import wording

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
    found = report.found
    return rendered(
        "report.html",
        found=found,
        rows=[(KINDS[one.kind], one) for one in found.verdicts.values()],
        controls=[(CONTROLS.get(one.name, one.name), one) for one in found.controls],
        listed=wording.told_terms([one.term for one in found.verdicts.values()]),
        figures=[(told, inline(svg)) for told, svg in drawings],
        strips=[strip(told, several) for told, several in groupby(report.examples, lambda one: one.arm)],
        versions=", ".join(f"{name} {number}" for name, number in found.versions.items()),
    )


def rendered(template: str, **values: Any) -> str:
    """A template of this folder, filled; a value that it asks for and is not given is an error."""
    environment = Environment(
        loader=PackageLoader("negspace.lab"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "share": wording.share,
        "points": wording.points,
        "between": wording.between,
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
