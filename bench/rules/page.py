"""The frontier as a page and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.rules.figures import Figure, Line


def plot(lines: Sequence[Line], front: Sequence[str], file: Path) -> None:
    """Leak against damage, each rule a cross of its intervals; those that none beats have their names."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(11, 8))
    for number, one in enumerate(_in_order(lines), 1):
        (x, x0, x1), (y, y0, y1) = one.figures["damage"], one.figures["leak"]
        ahead = one.rule in front
        colour, alpha = ("tab:red", 1.0) if ahead else ("tab:blue", 0.4)
        across, up = [[x - x0], [x1 - x]], [[y - y0], [y1 - y]]
        axes.errorbar(x, y, xerr=across, yerr=up, fmt="o", ms=4, lw=0.6, color=colour, alpha=alpha)
        name = f"{number} {one.rule}" if ahead else str(number)
        axes.annotate(name, (x, y), (4, 3), textcoords="offset points", fontsize=8 if ahead else 6)
    axes.set_xlabel("damage: distance from clean renders (1: another clean render)")
    axes.set_ylabel("leak: share of pictures with the avoided thing")
    figure.tight_layout()
    figure.savefig(file, dpi=110)


def _in_order(lines: Sequence[Line]) -> list[Line]:
    """The least leak plus damage first."""
    return sorted(lines, key=lambda each: sum(each.point))


_COLUMNS = (
    ("leak", "leak", 3),
    ("damage", "damage", 2),
    ("harm", "harm, points", 1),
    ("caused", "caused, %", 1),
    ("variety", "variety", 3),
    ("placebo", "placebo, %", 1),
)


def page(lines: Sequence[Line], front: Sequence[str], chance: Mapping[str, float]) -> str:
    """Markdown: a row for each rule, the least leak plus damage first; in bold those that none beats."""
    heads = ["", "rule", "pictures", *(head for _, head, _ in _COLUMNS), "evaluations", "beats `auto`"]
    rows = [_row(heads), _row(["---"] * len(heads))]
    for number, one in enumerate(_in_order(lines), 1):
        name = f"**`{one.rule}`**" if one.rule in front else f"`{one.rule}`"
        shown = (_spread(one.figures[figure], digits) for figure, _, digits in _COLUMNS)
        beats = f"{chance[one.rule]:.3f}" if one.rule in chance else ""
        rows.append(
            _row([str(number), name, f"{len(one.leak)}", *shown, f"{one.figures['cost'][0]:.2f}", beats])
        )
    return "\n".join(rows) + "\n"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _spread(figure: Figure, digits: int) -> str:
    value, low, high = (f"{one:.{digits}f}" for one in figure)
    return f"{value} [{low}, {high}]"
