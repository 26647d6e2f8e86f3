"""Curves: what the scale does to a request, without and with its negative, on the same seeds."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from negspace.errors import LabError
from negspace.files import write_whole
from negspace.frozen import Frozen
from negspace.generate import Model
from negspace.judge import Judge
from negspace.lab import figures
from negspace.lab.effects import Expectation
from negspace.lab.picture_maker import PictureMaker, pixel_identity
from negspace.lab.picture_store import PictureStore, PictureSpec
from negspace.lab.picture_maker import Progress
from negspace.lab.proof import witness_for
from negspace.lab.report import inline, render_template
from negspace.lab.stats import mean_similarity, vendi
from negspace.lab.vectors import PictureVectors, measure_vectors
from negspace.lab.witness import Witness
from negspace.lab.wording import terms_text
from negspace.lab.site import HERE, Site
from negspace.request import Request

SCALES: Final = (1.0, 1.5, 2.5, 4.0, 6.0, 9.0)
PICTURES: Final = 24
TRACED: Final = 4
"""Pictures whose predictions are taken down step by step."""

SHOWN: Final = 3
"""Pairs of the heat map."""


@final
class Share(Frozen):
    """A share of pictures.

    Attributes:
        hits, of: how many of how many.
        interval: Wilson's, 95 %.
    """

    hits: int
    of: int
    interval: tuple[float, float]

    @classmethod
    def among(cls, hits: Sequence[bool]) -> "Share":
        """The share of a sample; there must be one."""
        found = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
        return cls(hits=sum(hits), of=len(hits), interval=(float(found.low), float(found.high)))


@final
class CurvePoint(Frozen):
    """The pictures at one scale.

    Attributes:
        scale: of all of them.
        leak, leak_with: how many show what is avoided, without the negative and with it.
        lacking, lacking_with: how many lack something that the prompt names.
        variety, variety_with: their Vendi score, in the witness's features.
        similarity, similarity_with: mean cosine of two of them.
    """

    scale: float
    leak: Share
    leak_with: Share
    lacking: Share
    lacking_with: Share
    variety: float
    variety_with: float
    similarity: float
    similarity_with: float


@final
class CurveNumbers(Frozen):
    """The numbers behind the curves.

    Attributes:
        asked: the request, with its first seed and its own scale.
        witness: what looked at the pictures.
        points: by scale.
        push: of some pictures at the request's scale, |d_n - d_u| step by step; None where it was not asked.
        omega: of the same, the effective strengths (positive, negative).
        versions: of the programs involved.
    """

    request: Request
    witness: str
    points: tuple[CurvePoint, ...]
    push: tuple[tuple[float | None, ...], ...]
    omega: tuple[tuple[tuple[float, float] | None, ...], ...]
    versions: dict[str, str]


@final
@dataclass(frozen=True, eq=False)
class Curves:
    """Numbers, and the figures that were drawn of them.

    Attributes:
        found: the numbers.
        figures: (in words, the figure).
    """

    numbers: CurveNumbers
    figures: tuple[tuple[str, Any], ...]

    def save(self, folder: Path | str) -> tuple[Path, ...]:
        """Write `curves.html`, `curves.json` and the figures, whole or not at all; the files.

        Raises:
            OutputError: they cannot be written.
        """
        place = Path(folder)
        drawings = [(told, *figures.render(figure)) for told, figure in self.figures]
        avoid = self.numbers.request.avoid
        page = render_template(
            "curves.html",
            found=self.numbers,
            listed=avoid if isinstance(avoid, str) else terms_text(avoid),
            figures=[(told, inline(svg)) for told, svg, _ in drawings],
            versions=", ".join(f"{name} {number}" for name, number in self.numbers.versions.items()),
        )
        files = {
            place / "curves.html": page.encode(),
            place / "curves.json": f"{self.numbers.to_json(indent=2)}\n".encode(),
        }
        for number, (_, svg, dots) in enumerate(drawings, start=1):
            files[place / "figures" / f"{number}.svg"] = svg
            files[place / "figures" / f"{number}.png"] = dots
        write_whole(files)
        return tuple(files)


@final
class CurveMaker:
    """Curves under way. Iterating makes pictures; leaving off loses nothing that was made.

    Args:
        base: what is asked, with what is avoided.
        model: makes the pictures.
        folder: where they are kept; the same question goes on with what is there.
        scales: from which on the curves are drawn, in rising order.
        pictures: at every scale, without and with the negative.
        witness: looks at them, or a judge that does; None takes what the model allows.
        site: where they are made.

    Raises:
        LabError: nothing is avoided, there are too few scales or pictures, or nobody can see what is in them.
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
        planned = model.plan(base)
        if not planned.terms:
            raise LabError("avoid: nothing is avoided; name what is not wanted, with commas")
        terms = [one.avoid.term for one in planned.terms]
        self._base = base
        self._model = model
        self._scales = tuple(sorted(set(scales)))
        self._seeds = range(base.seed, base.seed + pictures)
        self._witness = witness_for(witness, model, (base.prompt, *terms))
        self._aim = Expectation.of(base.prompt, terms, self._witness)
        with ExitStack() as held:
            crew = held.enter_context(closing(site.open_workers(model)))
            made_by = pixel_identity(model, base.dtype)
            self._album = held.enter_context(PictureStore(folder, made_by, self._witness.fingerprint))
            self._held = held.pop_all()
        self._maker = PictureMaker(crew, self._witness, self._album)

    def __enter__(self) -> "CurveMaker":
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @property
    def made(self) -> int:
        """Pictures that were made by this very drawing."""
        return self._maker.made

    def __iter__(self) -> Iterator[Progress]:
        """Make what is missing, telling how far it is after every few pictures."""
        shots = [
            shot for scale in self._scales for side in (False, True) for shot in self._shots(scale, side)
        ]
        done = sum(self._album.record(shot) is not None for shot in shots)
        for made in self._maker.make(shots):
            done += made
            yield Progress.at("every scale", done, len(shots) - done, self._maker)

    def curves(self) -> Curves:
        """The curves, after making the pictures that are missing."""
        for _ in self:
            pass
        pairs = [self._at(scale) for scale in self._scales]
        traced = measure_vectors(self._model, [self._request(seed, None, True) for seed in self._seeds[:TRACED]])
        drawn = tuple(self._figures([row for row, _ in pairs], traced))
        accounts = [one.account for one in traced]
        found = CurveNumbers(
            request=self._base,
            witness=self._witness.name,
            points=tuple(point for _, point in pairs),
            push=tuple(tuple(one.push) for one in accounts),
            omega=tuple(
                tuple(None if o is None else (float(o.positive), float(o.negative)) for o in one.omega)
                for one in accounts
            ),
            versions=dict(self._model.network(self._base.dtype).versions),
        )
        return Curves(found, drawn)

    def _figures(
        self, rows: Sequence[figures.ScaleResults], traced: Sequence[PictureVectors]
    ) -> Iterator[tuple[str, Any]]:
        yield (
            "How often what is avoided is in the picture. Bars are Wilson's 95 % intervals.",
            (figures.leak_curve(rows)),
        )
        told = "How varied the pictures with the negative are: as many kinds as the Vendi score says."
        yield told, figures.variety_curve(rows)
        if pictures := [one for one in traced if one.steps]:
            told = "The predictions of one picture, in the plane that they span, step by step."
            yield told, figures.vector_diagram(pictures[0].steps)
            accounts = [one.account for one in pictures]
            yield "What the negative did at every step.", figures.strength_curves(accounts)
        scale = min(self._scales, key=lambda one: abs(one - self._own_scale()))
        sides = [[self._album.picture(one) for one in self._shots(scale, side)] for side in (False, True)]
        pairs = [(a, b) for a, b in zip(*sides, strict=True) if a is not None and b is not None]
        yield f"Where in the picture the negative acted, at scale {scale:g}.", figures.heat_map(pairs[:SHOWN])

    def _own_scale(self) -> float:
        return self._model.facts.scale if self._base.scale is None else self._base.scale

    def _request(self, seed: int, scale: float | None, with_it: bool) -> Request:
        own = self._base.scale if scale is None else scale
        avoid = self._base.avoid if with_it else None
        return self._base.model_copy(update={"seed": seed, "scale": own, "avoid": avoid})

    def _shots(self, scale: float, with_it: bool) -> list[PictureSpec]:
        return [PictureSpec(self._request(seed, scale, with_it)) for seed in self._seeds]

    def _at(self, scale: float) -> tuple[figures.ScaleResults, CurvePoint]:
        """What the pictures at one scale show: for the figures, and in numbers."""
        sides = [self._maker.records(self._shots(scale, side)) for side in (False, True)]
        leak, lacking = (
            [[measure(look) for look in looks] for looks in sides]
            for measure in (self._aim.shows_avoided, self._aim.lacks_wanted)
        )
        features = [self._features(scale, side) for side in (False, True)]
        varied, alike = ([float(of(one)) for one in features] for of in (vendi, mean_similarity))
        point = CurvePoint(
            scale=scale,
            leak=Share.among(leak[0]),
            leak_with=Share.among(leak[1]),
            lacking=Share.among(lacking[0]),
            lacking_with=Share.among(lacking[1]),
            variety=varied[0],
            variety_with=varied[1],
            similarity=alike[0],
            similarity_with=alike[1],
        )
        return figures.ScaleResults(scale, leak[0], leak[1], features[1]), point

    def _features(self, scale: float, with_it: bool) -> NDArray[np.float32]:
        made = [self._album.picture(shot) for shot in self._shots(scale, with_it)]
        pictures: list[Image.Image] = [one for one in made if one is not None]
        return self._witness.features(pictures)
