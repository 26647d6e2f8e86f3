"""Curves: what the guidance scale does to a request, without and with its negative, on the same seeds."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

from pydantic import AliasChoices, Field
from scipy.stats import binomtest

from negspace.errors import LabError
from negspace.frozen import Frozen
from negspace.generate import Model
from negspace.judge import Judge
from negspace.lab import figures
from negspace.lab.effects import Expectation
from negspace.lab.picture_maker import PictureMaker, Progress
from negspace.lab.picture_store import PictureSpec
from negspace.lab.report import save_page
from negspace.lab.site import HERE, Site
from negspace.lab.stats import mean_similarity, vendi
from negspace.lab.vectors import MEASURED, PictureVectors, measure_vectors
from negspace.lab.witness import Witness, choose_witness
from negspace.lab.wording import terms_text
from negspace.records import Omega
from negspace.request import Request

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES: Final = (1.0, 1.5, 2.5, 4.0, 6.0, 9.0)
PICTURES: Final = 24


@final
class MeasuredShare(Frozen):
    """A share of pictures: how many of how many, with Wilson's interval of 95 %."""

    hits: int
    of: int
    interval: tuple[float, float]

    @classmethod
    def among(cls, hits: Sequence[bool]) -> Self:
        """The share in a sample, which must not be empty."""
        interval = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
        return cls(hits=sum(hits), of=len(hits), interval=(float(interval.low), float(interval.high)))


@final
class CurvePoint(Frozen):
    """What the pictures at one scale show.

    Attributes:
        leak, leak_with: how many show what is avoided, without the negative and with it.
        lacking, lacking_with: how many lack something that the prompt names.
        variety, variety_with: their Vendi score, in the witness's features.
        similarity, similarity_with: mean cosine of two of them.
    """

    scale: float
    leak: MeasuredShare
    leak_with: MeasuredShare
    lacking: MeasuredShare
    lacking_with: MeasuredShare
    variety: float
    variety_with: float
    similarity: float
    similarity_with: float


@final
class CurveNumbers(Frozen):
    """The numbers behind the curves.

    Attributes:
        request: with its first seed and its own scale; "asked" in files of older versions.
        witness: what looked at the pictures.
        push: of some pictures at the request's scale, |d_n - d_u| step by step; None where it was not
            evaluated.
        omega: of the same pictures, the effective strengths (positive, negative).
        versions: of the programs involved.
    """

    request: Request = Field(validation_alias=AliasChoices("request", "asked"))
    witness: str
    points: tuple[CurvePoint, ...]
    push: tuple[tuple[float | None, ...], ...]
    omega: tuple[tuple[tuple[float, float] | None, ...], ...]
    versions: dict[str, str]


@final
@dataclass(frozen=True, eq=False)
class Curves:
    """The numbers, and the figures that show them, (caption, figure) each."""

    numbers: CurveNumbers
    figures: tuple[tuple[str, "Figure"], ...]

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write `curves.html`, `curves.json` and the figures, all of them or none; returns the files.

        Raises:
            OutputError: they cannot be written.
        """
        avoid = self.numbers.request.avoid
        listed = avoid if isinstance(avoid, str) else terms_text(avoid)
        return save_page(Path(folder), "curves", self.numbers, self.figures, listed=listed)


@final
class CurveMaker(AbstractContextManager["CurveMaker"]):
    """Curves that are being made. Iterating makes pictures; it may stop at any moment and lose nothing.

    Args:
        base: the request, with something avoided.
        folder: where pictures are kept; the same curves continue with those that exist.
        pictures: at every scale, without and with the negative.
        witness: looks at the pictures; a judge can do so, too. None chooses by the model.

    Raises:
        LabError: nothing is avoided, there are too few scales or pictures, or nothing can see what they show.
        NegspaceError: the request is impossible for the model.
        OutputError: the folder cannot be written or is in use.
    """

    def __init__(
        self,
        base: Request,
        model: Model,
        *,
        folder: Path,
        scales: Sequence[float] = SCALES,
        pictures: int = PICTURES,
        witness: Witness | Judge | None = None,
        site: Site = HERE,
    ) -> None:
        if len(set(scales)) < 2 or min(scales) <= 0:
            raise LabError(f"scales: {list(scales)}; a curve needs two different ones at least, above 0")
        if pictures < 2:
            raise LabError(f"pictures: {pictures} at a scale are too few to differ; give 2 or more")
        if base.n != 1:
            raise LabError("n: curves have a number of pictures of their own")
        self._plan = model.planner()
        planned = self._plan(base)
        if not planned.terms:
            raise LabError("avoid: nothing is avoided; name what is not wanted, with commas")
        terms = [entry.avoid.term for entry in planned.terms]
        self._base = base
        self._model = model
        self._scales = tuple(sorted(set(scales)))
        self._seeds = range(base.seed, base.seed + pictures)
        self._witness = choose_witness(witness, model, (base.prompt, *terms))
        self._expectation = Expectation.of(base.prompt, terms, self._witness)
        self._maker = PictureMaker.open(model, self._witness, folder, site, dtype=base.dtype, plan=self._plan)

    def __exit__(self, *_: object) -> None:
        self._maker.close()

    @property
    def made(self) -> int:
        """Pictures that this object generated itself; the others existed already."""
        return self._maker.made

    def __iter__(self) -> Iterator[Progress]:
        """Make the missing pictures, and yield the progress after each batch."""
        specs = [
            spec for scale in self._scales for side in (False, True) for spec in self._specs(scale, side)
        ]
        done = sum(self._maker.store.record(spec) is not None for spec in specs)
        for made in self._maker.make(specs):
            done += made
            yield self._maker.progress("every scale", len(specs) - done, done)

    def curves(self) -> Curves:
        """The curves, after making the pictures that are missing."""
        for _ in self:
            pass
        results = [self._results(scale) for scale in self._scales]
        requests = [self._request(seed, self._base.scale, True) for seed in self._seeds[:MEASURED]]
        measured = measure_vectors(self._model, list(map(self._plan, requests)))
        drawn = tuple(self._figures([row for row, _ in results], measured))
        stats = [picture.stats for picture in measured]
        numbers = CurveNumbers(
            request=self._base,
            witness=self._witness.name,
            points=tuple(point for _, point in results),
            push=tuple(tuple(picture.push) for picture in stats),
            omega=tuple(tuple(map(_both_sides, picture.omega)) for picture in stats),
            versions=dict(self._model.network(self._base.dtype).versions),
        )
        return Curves(numbers, drawn)

    def _figures(
        self, rows: Sequence[figures.ScaleResults], measured: Sequence[PictureVectors]
    ) -> Iterator[tuple[str, "Figure"]]:
        yield (
            "How often what is avoided is in the picture. Bars are Wilson's 95 % intervals.",
            figures.leak_curve(rows),
        )
        yield (
            "How varied the pictures with the negative are: as many kinds as the Vendi score says.",
            figures.variety_curve(rows),
        )
        if complete := [picture for picture in measured if picture.steps]:
            yield (
                "The predictions of one picture, in the plane that they span, step by step.",
                figures.vector_diagram(complete[0].steps),
            )
            stats = [picture.stats for picture in complete]
            yield "What the negative did at every step.", figures.strength_curves(stats)
        own = self._model.facts.scale if self._base.scale is None else self._base.scale
        scale = min(self._scales, key=lambda scale: abs(scale - own))
        sides = [self._maker.store.pictures(self._specs(scale, side)) for side in (False, True)]
        pairs = list(zip(*sides, strict=True))[: figures.HEAT_MAP_PAIRS]
        yield f"Where in the picture the negative acted, at scale {scale:g}.", figures.heat_map(pairs)

    def _request(self, seed: int, scale: float | None, with_negative: bool) -> Request:
        avoid = self._base.avoid if with_negative else None
        return self._base.model_copy(update={"seed": seed, "scale": scale, "avoid": avoid})

    def _specs(self, scale: float, with_negative: bool) -> list[PictureSpec]:
        return [PictureSpec(self._request(seed, scale, with_negative)) for seed in self._seeds]

    def _results(self, scale: float) -> tuple[figures.ScaleResults, CurvePoint]:
        """What the pictures at one scale show: for the figures, and in numbers."""
        specs = [self._specs(scale, side) for side in (False, True)]
        sides = [self._maker.records(side) for side in specs]
        leak, lacking = (
            [[measure(record) for record in records] for records in sides]
            for measure in (self._expectation.shows_avoided, self._expectation.lacks_wanted)
        )
        features = [self._witness.features(self._maker.store.pictures(side)) for side in specs]
        point = CurvePoint(
            scale=scale,
            leak=MeasuredShare.among(leak[0]),
            leak_with=MeasuredShare.among(leak[1]),
            lacking=MeasuredShare.among(lacking[0]),
            lacking_with=MeasuredShare.among(lacking[1]),
            variety=vendi(features[0]),
            variety_with=vendi(features[1]),
            similarity=mean_similarity(features[0]),
            similarity_with=mean_similarity(features[1]),
        )
        return figures.ScaleResults(scale, leak[0], leak[1], features[1]), point


def _both_sides(omega: Omega | None) -> tuple[float, float] | None:
    return None if omega is None else (float(omega.positive), float(omega.negative))
