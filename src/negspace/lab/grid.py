"""Comparison: one picture for every combination of up to three axes, each with its receipt."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from PIL import Image

from negspace import png
from negspace.contact_sheet import sheet
from negspace.errors import LabError
from negspace.files import write_whole
from negspace.generate import Model
from negspace.lab.axes import Axis
from negspace.lab.picture_maker import PictureMaker, decides
from negspace.lab.picture_store import PictureStore, Shot
from negspace.lab.report import data_url, rendered
from negspace.lab.witness import Blind
from negspace.lab.workers import HERE, Site
from negspace.models.files.source import Source
from negspace.receipt import Receipt
from negspace.request import Request

MOST: Final = 1000
"""Cells of one comparison."""


@final
@dataclass(frozen=True, eq=False)
class Cell:
    """One picture.

    Attributes:
        place: (z, y, x), which value of each axis.
        picture: RGB.
        receipt: of it.
    """

    place: tuple[int, int, int]
    picture: Image.Image
    receipt: Receipt


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """A comparison.

    Attributes:
        prompt: as it was asked for.
        labels: (z, y, x), of the values of each axis; one empty label where there is no such axis.
        cells: in the order of their places.
    """

    prompt: str
    labels: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    cells: tuple[Cell, ...]

    def sheet(self) -> Image.Image:
        """All pictures on one sheet: x across, y down, z one below the other."""
        zs, ys, xs = self.labels
        rows = [
            [cell.picture for cell in self.cells[start : start + len(xs)]]
            for start in range(0, len(self.cells), len(xs))
        ]
        names = [" — ".join(part for part in (z, y) if part) for z in zs for y in ys]
        return sheet(rows, headings=xs if any(xs) else (), labels=names if any(names) else ())

    def save(self, folder: Path | str) -> tuple[Path, Path, Path]:
        """Write `compare.html`, `compare.png` and `compare.json` (every receipt), whole or not at all.

        Raises:
            OutputError: they cannot be written.
        """
        place = Path(folder)
        page, whole, plain = (place / f"compare.{end}" for end in ("html", "png", "json"))
        zs, ys, xs = self.labels
        tables = [
            (z, [(y, [self._shown(k, j, i) for i in range(len(xs))]) for j, y in enumerate(ys)])
            for k, z in enumerate(zs)
        ]
        receipts = [
            {"labels": self._names(cell), "receipt": cell.receipt.model_dump(mode="json")}
            for cell in self.cells
        ]
        write_whole(
            {
                page: rendered("compare.html", prompt=self.prompt, across=xs, tables=tables).encode(),
                whole: png.encode(self.sheet()),
                plain: f"{json.dumps(receipts, indent=1, ensure_ascii=False)}\n".encode(),
            }
        )
        return page, whole, plain

    def _cell(self, z: int, y: int, x: int) -> Cell:
        _, ys, xs = self.labels
        return self.cells[(z * len(ys) + y) * len(xs) + x]

    def _names(self, cell: Cell) -> list[str]:
        return [names[i] for names, i in zip(self.labels, cell.place, strict=True) if names[i]]

    def _shown(self, z: int, y: int, x: int) -> tuple[str, str, str]:
        """(data URL, what it is in words, receipt as text) of one cell."""
        cell = self._cell(z, y, x)
        return data_url(cell.picture), ", ".join(self._names(cell)) or self.prompt, cell.receipt.summary()


def opened(source: Source) -> Model:
    """The model of a source."""
    return Model(source, None, None, None)


@final
class Comparing:
    """A comparison under way. Iterating makes pictures; leaving off loses nothing that was made.

    Args:
        base: the request that every cell starts from.
        axes: x, then y, then z; none to three.
        folder: where the pictures are kept; the same comparison goes on with what is there.
        model: makes the pictures of cells that name no other model.
        site: where they are made.
        others: opens what another cell needs: another model, or one with another text encoder.

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
        others: Callable[[Source], Model] = opened,
    ) -> None:
        _check(base, axes)
        self._site = site
        self._base = base
        x, y, z = (*axes, None, None, None)[:3]
        self._axes = (z, y, x)  # of a place
        self._folder = folder
        sizes = [len(one.values) if one else 1 for one in self._axes]
        self.places: Final = [
            (k, j, i) for k in range(sizes[0]) for j in range(sizes[1]) for i in range(sizes[2])
        ]
        self._requests = [self._at(place) for place in self.places]
        self._sources = [
            self._source(place, request, model)
            for place, request in zip(self.places, self._requests, strict=True)
        ]
        self._models = {
            source: model if source == model.source else others(source)
            for source in dict.fromkeys(self._sources)
        }
        cells = zip(self._sources, self._requests, strict=True)
        plans = [self._models[source].plan(request) for source, request in cells]
        if len({(plan.width, plan.height) for plan in plans}) > 1:
            raise LabError("compare: all cells need one size to stand on one sheet")
        self._blind = Blind()

    def __iter__(self) -> Iterator[int]:
        """Make what is missing, yielding how many cells are done after every few pictures."""
        done = 0
        for source, several in self._by_source().items():
            with self._album(source) as album, closing(self._site.crew(self._models[source])) as crew:
                maker = PictureMaker(crew, self._blind, album)
                there = len(several)
                done += there - sum(not album.path(Shot(one)).is_file() for one in dict.fromkeys(several))
                for made in maker.make([Shot(one) for one in several]):
                    done += made
                    yield min(done, len(self.places))
        yield len(self.places)

    def grid(self) -> Grid:
        """The comparison, after making the pictures that are missing."""
        for _ in self:
            pass
        made: dict[tuple[Source, Request], tuple[Image.Image, Receipt]] = {}
        for source, several in self._by_source().items():
            with self._album(source) as album:
                for one in several:
                    picture = album.picture(Shot(one))
                    assert picture is not None, "it was made above"
                    made[source, one] = picture, album.receipt(Shot(one))
        cells = zip(self.places, self._sources, self._requests, strict=True)
        z, y, x = (one.labels if one else ("",) for one in self._axes)
        return Grid(
            self._base.prompt,
            (z, y, x),
            tuple(Cell(place, *made[source, request]) for place, source, request in cells),
        )

    def _at(self, place: tuple[int, int, int]) -> Request:
        request = self._base
        # Words are replaced last, whatever else the field was set to.
        chosen = [(one, i) for one, i in zip(self._axes, place, strict=True) if one is not None]
        for one, i in sorted(chosen, key=lambda pair: ("/" in pair[0].name, pair[0].name == "window")):
            request = one.at(request, i)
        return request

    def _source(self, place: tuple[int, int, int], request: Request, model: Model) -> Source:
        """What is to be opened for a cell."""
        named = request.model
        source = model.source if named in (None, model.path) else model.source.with_path(named)
        for one, i in zip(self._axes, place, strict=True):
            source = source if one is None else one.of(source, i)
        return source

    def _by_source(self) -> dict[Source, list[Request]]:
        found: dict[Source, list[Request]] = {}
        for source, request in zip(self._sources, self._requests, strict=True):
            found.setdefault(source, []).append(request)
        return found

    def _album(self, source: Source) -> PictureStore:
        return PictureStore(self._folder, decides(self._models[source]), self._blind.fingerprint)


def _check(base: Request, axes: Sequence[Axis]) -> None:
    if len(axes) > 3:
        raise LabError(f"compare: {len(axes)} axes are more than x, y and z")
    names = [one.name for one in axes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise LabError(f"compare: two axes vary {twice!r}")
    cells = 1
    for one in axes:
        cells *= len(one.values)
    if cells > MOST:
        raise LabError(f"compare: {cells} cells are more than {MOST}; take fewer values")
    if base.n != 1:
        raise LabError('compare: a cell is one picture; let seeds vary with an axis, "seed=0; 1; 2"')
