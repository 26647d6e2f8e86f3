"""The frontier as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.rules.figures import Line


def plot(lines: Sequence[Line], front: Sequence[str], file: Path) -> None:
    """Leak against damage, each rule a cross of its intervals; those that none beats are named in bold."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(11, 8))
    for one in lines:
        (x, x0, x1), (y, y0, y1) = one.figures["damage"], one.figures["leak"]
        ahead = one.rule in front
        axes.errorbar(
            x, y, xerr=[[x - x0], [x1 - x]], yerr=[[y - y0], [y1 - y]], fmt="o", ms=4, lw=0.6,
            color="tab:red" if ahead else "tab:blue", alpha=1.0 if ahead else 0.5,
        )  # fmt: skip
        axes.annotate(
            one.rule, (x, y), xytext=(4, 3), textcoords="offset points", fontsize=6,
            weight="bold" if ahead else "normal",
        )  # fmt: skip
    axes.set_xlabel("damage: distance from clean renders (1: another clean render)")
    axes.set_ylabel("leak: share of pictures with the avoided thing")
    figure.tight_layout()
    figure.savefig(file, dpi=150)
