"""A grid of pictures: one for every combination of up to three axes, each with its receipt."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Final, final

from PIL import Image

from negspace import png
from negspace.contact_sheet import sheet
from negspace.errors import LabError
from negspace.files import write_whole
from negspace.generate import Model, load
from negspace.lab.axes import Axis
from negspace.lab.picture_maker import PictureMaker, pixel_identity
from negspace.lab.picture_store import PictureSpec, PictureStore
from negspace.lab.report import data_url, render_template
from negspace.lab.site import HERE, Site
from negspace.lab.witness import BlindWitness
from negspace.models.files.source import Source
from negspace.policy.loading import load_policy
from negspace.receipt import Receipt
from negspace.request import Request

MOST: Final = 1000
"""Most cells of a grid."""

_BLIND: Final = BlindWitness()


@final
@dataclass(frozen=True, eq=False)
class Cell:
    """One picture of a grid.

    Attributes:
        place: (z, y, x), the index of the value of each axis.
        picture: RGB.
    """

    place: tuple[int, int, int]
    picture: Image.Image
    receipt: Receipt


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """Pictures along up to three axes.

    Attributes:
        prompt: of the request.
        labels: (z, y, x), of the values of each axis; one empty label for a missing axis.
        cells: in the order of their places.
    """

    prompt: str
    labels: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    cells: tuple[Cell, ...]

    def sheet(self) -> Image.Image:
        """All pictures on one contact sheet: x across, y down, and one block below the other for z."""
        zs, ys, xs = self.labels
        pictures = iter([cell.picture for cell in self.cells])
        rows = [[next(pictures) for _ in xs] for _ in zs for _ in ys]
        names = [" — ".join(part for part in (z, y) if part) for z in zs for y in ys]
        return sheet(rows, headings=xs if any(xs) else (), labels=names if any(names) else ())

    def save(self, folder: Path | str) -> tuple[Path, Path, Path]:
        """Write `compare.html`, `compare.png` and `compare.json` (every receipt), all of them or none.

        Raises:
            OutputError: they cannot be written.
        """
        place = Path(folder)
        page, whole, plain = (place / f"compare.{end}" for end in ("html", "png", "json"))
        zs, ys, xs = self.labels
        shown = iter([self._shown(cell) for cell in self.cells])
        tables = [(z, [(y, [next(shown) for _ in xs]) for y in ys]) for z in zs]
        receipts = [
            {"labels": self._names(cell), "receipt": cell.receipt.model_dump(mode="json")}
            for cell in self.cells
        ]
        write_whole(
            {
                page: render_template("compare.html", prompt=self.prompt, across=xs, tables=tables).encode(),
                whole: png.encode(self.sheet()),
                plain: f"{json.dumps(receipts, indent=1, ensure_ascii=False)}\n".encode(),
            }
        )
        return page, whole, plain

    def _names(self, cell: Cell) -> list[str]:
        return [names[i] for names, i in zip(self.labels, cell.place, strict=True) if names[i]]

    def _shown(self, cell: Cell) -> tuple[str, str, str]:
        """(data URL, what it is in words, receipt as text) of one cell."""
        return data_url(cell.picture), ", ".join(self._names(cell)) or self.prompt, cell.receipt.summary()


@final
class GridMaker:
    """A grid that is being made. Iterating makes pictures; it may stop at any moment and lose nothing.

    Args:
        base: the request that every cell starts from.
        axes: x, then y, then z; none to three.
        folder: where the pictures are kept; the same grid continues with those that exist.
        model: generates the pictures of cells that name no other model.
        open_other: opens another model, or the model with another text encoder, that a cell needs.

    Attributes:
        places: of all cells, (z, y, x) each.

    Raises:
        LabError: there are too many axes or cells, two vary the same thing, or the cells differ in size.
        NegspaceError: a cell is impossible for its model.
    """

    def __init__(
        self,
        base: Request,
        axes: Sequence[Axis],
        folder: Path,
        model: Model,
        site: Site = HERE,
        open_other: Callable[[Source], Model] = load,
    ) -> None:
        _check(base, axes)
        x, y, z = (*axes, None, None, None)[:3]
        self._base = base
        self._axes = (z, y, x)
        self._folder = folder
        self._site = site
        sizes = [range(len(axis.values) if axis else 1) for axis in self._axes]
        self.places: Final = [(z, y, x) for z in sizes[0] for y in sizes[1] for x in sizes[2]]
        requests = [self._request(place) for place in self.places]
        self._cells = [
            (self._source(place, request, model), PictureSpec(request))
            for place, request in zip(self.places, requests, strict=True)
        ]
        self._models = {
            source: model if source == model.source else open_other(source)
            for source in dict.fromkeys(source for source, _ in self._cells)
        }
        read_policy = cache(load_policy)
        self._planners = {source: other.planner(read_policy) for source, other in self._models.items()}
        plans = [self._planners[source](spec.request) for source, spec in self._cells]
        if len({(plan.width, plan.height) for plan in plans}) > 1:
            raise LabError("compare: all cells need one size to stand on one sheet")

    def __iter__(self) -> Iterator[int]:
        """Make the missing pictures, and yield how many cells are done after each batch."""
        done = 0
        for source, specs in self._by_source().items():
            with self._maker(source) as maker:
                missing = sum(not maker.store.path(spec).is_file() for spec in dict.fromkeys(specs))
                done += len(specs) - missing
                for made in maker.make(specs):
                    done += made
                    yield min(done, len(self.places))
        yield len(self.places)

    def grid(self) -> Grid:
        """The grid, after making the pictures that are missing."""
        for _ in self:
            pass
        pictures: dict[tuple[Source, PictureSpec], tuple[Image.Image, Receipt]] = {}
        for source, specs in self._by_source().items():
            with PictureStore(
                self._folder,
                pixel_identity(self._models[source]),
                _BLIND.fingerprint,
                self._planners[source],
            ) as store:
                for spec, picture in zip(specs, store.pictures(specs), strict=True):
                    pictures[source, spec] = picture, store.receipt(spec)
        z, y, x = (axis.labels if axis else ("",) for axis in self._axes)
        cells = zip(self.places, self._cells, strict=True)
        return Grid(
            self._base.prompt, (z, y, x), tuple(Cell(place, *pictures[cell]) for place, cell in cells)
        )

    def _request(self, place: tuple[int, int, int]) -> Request:
        request = self._base
        chosen = [(axis, index) for axis, index in zip(self._axes, place, strict=True) if axis is not None]
        # Words are replaced last, in whatever another axis set the field to.
        for axis, index in sorted(chosen, key=lambda pair: ("/" in pair[0].name, pair[0].name == "window")):
            request = axis.request_at(request, index)
        return request

    def _source(self, place: tuple[int, int, int], request: Request, model: Model) -> Source:
        """The source of the model for a cell."""
        named = request.model
        source = model.source if named in (None, model.path) else model.source.with_path(named)
        for axis, index in zip(self._axes, place, strict=True):
            source = source if axis is None else axis.source_at(source, index)
        return source

    def _by_source(self) -> dict[Source, list[PictureSpec]]:
        specs: dict[Source, list[PictureSpec]] = {}
        for source, spec in self._cells:
            specs.setdefault(source, []).append(spec)
        return specs

    def _maker(self, source: Source) -> PictureMaker:
        plan = self._planners[source]
        return PictureMaker.open(self._models[source], _BLIND, self._folder, self._site, plan=plan)


def _check(base: Request, axes: Sequence[Axis]) -> None:
    if len(axes) > 3:
        raise LabError(f"compare: {len(axes)} axes are more than x, y and z")
    names = [axis.name for axis in axes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise LabError(f"compare: two axes vary {twice!r}")
    cells = prod(len(axis.values) for axis in axes)
    if cells > MOST:
        raise LabError(f"compare: {cells} cells are more than {MOST}; take fewer values")
    if base.n != 1:
        raise LabError('compare: a cell is one picture; let seeds vary with an axis, "seed=0; 1; 2"')
