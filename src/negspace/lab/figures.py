"""Matplotlib figures of what was measured; `render` gives the SVG and the PNG of a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from PIL import Image

from negspace.engine import LaneStats
from negspace.lab.stats import mean_similarity, vendi
from negspace.lab.vectors import POINTS, StepVectors

INK: Final = "#23232a"
COLOURS: Final = {
    "conditioning": "#1f6fb2",
    "negative": "#c1442e",
    "guided": "#2a8a4a",
    "target": "#8a5a00",
    "unconditioning": "#62626c",
}
HEAT_MAP_PAIRS: Final = 3
"""Pairs of pictures of which a page shows where they differ."""

_STYLE: Final[dict[Any, Any]] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8a94",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#62626c",
    "ytick.color": "#62626c",
    "svg.fonttype": "none",
    "svg.hashsalt": "negspace",  # so that the same figure gives the same file
    "legend.frameon": False,
}


def render(figure: Figure) -> tuple[bytes, bytes]:
    """A figure as (SVG, PNG at 144 dots per inch)."""
    svg, pixels = BytesIO(), BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(pixels, format="png", dpi=144, metadata={"Software": None})
    return svg.getvalue(), pixels.getvalue()


def vector_diagram(steps: Sequence[StepVectors], count: int = 4) -> Figure:
    """The vectors of guidance in the plane that they span, at `count` steps from the first to the last.

    The prediction of the empty prompt is the origin, and the axis points from it to that of the prompt. The
    guided prediction lies in the plane as far as the rule is linear. The target, the finished clean picture,
    is projected onto the plane, and its distance from the plane is in the title.
    """
    chosen = [steps[round(i)] for i in np.linspace(0, len(steps) - 1, min(count, len(steps)))]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(2.9 * len(chosen), 3.5), layout="constrained")
        for axes, step in zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True):
            _plane(axes, step)
        handles = [
            Line2D([], [], color=COLOURS[name], marker="o", markersize=4, label=name) for name in POINTS
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(POINTS))
    return figure


def _plane(axes: Axes, step: StepVectors) -> None:
    points = step.plane()
    for name, (x, y, _) in reversed(list(zip(POINTS[1:], points[1:], strict=True))):
        # The target is a broad band behind the others, because the last guided prediction is the target.
        broad = {"lw": 4.5, "alpha": 0.45, "arrowstyle": "-"} if name == "target" else {"lw": 1.6}
        style = {"arrowstyle": "-|>", "color": COLOURS[name], "shrinkA": 0, "shrinkB": 0} | broad
        axes.annotate("", (x, y), (0, 0), arrowprops=style)
    negative, conditioning, guided = points[2], points[1], points[3]
    ends = np.stack([negative, conditioning, guided])
    axes.plot(ends[:, 0], ends[:, 1], color="#b5b5bd", lw=0.9, ls=":", zorder=0)
    axes.plot(0, 0, "o", color=COLOURS["unconditioning"], ms=4)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.18)
    axes.set_xticks([0])
    axes.set_yticks([0])
    axes.grid(color="#ececf0", lw=0.8)
    axes.tick_params(labelleft=False, labelbottom=False, length=0)
    away = points[4, 2] / max(float(np.sqrt(step.products[4, 4])), 1e-30)
    axes.set_title(
        f"step {step.index + 1} of {step.count}, $\\omega_e$ {step.strength:.2f}\n"
        f"target {100 * away:.0f} % off the plane",
        fontsize=9,
    )


def strength_curves(stats: Sequence[LaneStats]) -> Figure:
    """Step by step: how far the negative's prediction was from the unconditional one, and the strengths.

    Thin lines are single pictures, thick lines their mean.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 3.1), layout="constrained")
        left, right = figure.subplots(1, 2)
        _curves(left, [picture.push for picture in stats], COLOURS["negative"], "push")
        left.set_ylabel("push, $|d_n - d_u|$")
        for name, colour in (("positive", COLOURS["conditioning"]), ("negative", COLOURS["negative"])):
            rows = [
                tuple(None if omega is None else float(getattr(omega, name)) for omega in picture.omega)
                for picture in stats
            ]
            _curves(right, rows, colour, f"$\\omega$ {name}")
        right.set_ylabel("effective strength")
        right.legend()
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    return figure


def _curves(axes: Axes, rows: Sequence[Sequence[float | None]], colour: str, label: str) -> None:
    table = np.array([[np.nan if value is None else value for value in row] for row in rows])
    steps = np.arange(1, table.shape[1] + 1)
    known = ~np.isnan(table).all(axis=0)
    axes.plot(steps, table.T, color=colour, alpha=0.3, lw=0.8)
    axes.plot(steps[known], np.nanmean(table[:, known], axis=0), color=colour, lw=2, label=label)


@final
@dataclass(frozen=True, eq=False)
class ScaleResults:
    """What the pictures at one scale show.

    Attributes:
        without, with_it: for each picture whether what is avoided is in it, without and with the negative.
        features: [pictures, dimensions] of the pictures with the negative.
    """

    scale: float
    without: Sequence[bool]
    with_it: Sequence[bool]
    features: np.ndarray


def leak_curve(rows: Sequence[ScaleResults]) -> Figure:
    """How often what is avoided is in the picture, against the scale; bars are Wilson's 95 % intervals."""
    from scipy.stats import binomtest

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 3.1), layout="constrained")
        axes = figure.subplots()
        sides = (
            ("no negative", COLOURS["unconditioning"], [row.without for row in rows]),
            ("with the negative", COLOURS["negative"], [row.with_it for row in rows]),
        )
        for label, colour, hits in sides:
            shares = np.array([np.mean(hit) for hit in hits])
            ends = [binomtest(int(sum(hit)), len(hit)).proportion_ci(method="wilson") for hit in hits]
            bars = np.array([[s - e.low, e.high - s] for s, e in zip(shares, ends, strict=True)]).T.clip(0)
            scales = [row.scale for row in rows]
            axes.errorbar(scales, shares, bars, marker="o", ms=4, capsize=2, color=colour, label=label)
        axes.set_xlabel("guidance scale")
        axes.set_ylabel("leak: share of pictures with it")
        axes.set_ylim(-0.03, 1.03)
        figure.legend(loc="outside upper center", ncols=2)
    return figure


def variety_curve(rows: Sequence[ScaleResults]) -> Figure:
    """How varied the pictures are, against the scale: the Vendi score and the mean cosine between two."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(4.6, 3.1), layout="constrained")
        axes = figure.subplots()
        scales = [row.scale for row in rows]
        scores, similarities = (
            [measure(row.features) for row in rows] for measure in (vendi, mean_similarity)
        )
        axes.plot(scales, scores, color=COLOURS["guided"], marker="o", ms=4, label="Vendi")
        axes.set_xlabel("guidance scale")
        axes.set_ylabel("Vendi score, pictures", color=COLOURS["guided"])
        other = axes.twinx()
        other.spines["right"].set_visible(True)
        other.plot(scales, similarities, color=COLOURS["conditioning"], marker="s", ms=4, ls="--")
        other.set_ylabel("mean similarity of two", color=COLOURS["conditioning"])
    return figure


def heat_map(pairs: Sequence[tuple[Image.Image, Image.Image]]) -> Figure:
    """Where in the picture the negative acted: each pair without and with it, and their difference.

    The last column is the absolute difference, averaged over the three colours; all rows share its range.
    """
    changed = [
        np.abs(np.asarray(with_it, np.float32) - np.asarray(without, np.float32)).mean(axis=2)
        for without, with_it in pairs
    ]
    top = max(float(max(change.max() for change in changed)), 1.0)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.0, 0.3 + 1.72 * len(pairs)), layout="constrained")
        grid = figure.subplots(len(pairs), 3, squeeze=False)
        shown = None
        for row, (pair, change) in zip(grid, zip(pairs, changed, strict=True), strict=True):
            for axes, picture in zip(row, pair, strict=False):
                axes.imshow(np.asarray(picture), interpolation="bicubic")
            shown = row[2].imshow(change, cmap="magma", vmin=0, vmax=top)
            for axes in row:
                axes.set_axis_off()
        for axes, title in zip(grid[0], ("without", "with the negative", "change"), strict=True):
            axes.set_title(title, fontsize=9)
        if shown is not None:
            figure.colorbar(shown, ax=grid[:, 2].tolist(), shrink=0.8, label="levels of 255")
    return figure
