"""The frontier: what each rule removes, and what that costs: `python -m bench.rules [--seeds 200]`.

Twelve avoided concepts of the embedded world, paired seeds, every rule on the same noise, as published and as
tuned on other seeds. Per rule:

leak      share of pictures that show the avoided thing, read by the oracle
harm      right subject, colour and place, all three, lost against no negative, in points
caused    pictures where the thing appears only with the negative, in percent
damage    distance of the oracle's features from clean renders of the same subject (Mahalanobis), 1 being that
          of other clean renders
variety   mean cosine distance of the features between pictures of one prompt
placebo   house pictures of which the unrelated negative "teapot" changed any attribute, against the same rule
          with nothing avoided, in percent
cost      evaluations a step
beats     share of bootstrap draws in which the rule leaks and damages no more than `auto` on the same seeds

Intervals are the bootstrap's 95 % over pictures. What was made is kept in `--store`, so that a run goes on
where it stopped; remove the files of a rule whose code was changed. `--tune` compares the settings of
`tuning.py` on other seeds and writes the best of each rule to `tuned.json`, which the next run measures. All
rules on 200 seeds of 10 steps take eight hours of a core, all published ones on `--seeds 24` half an hour.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from os import cpu_count
from pathlib import Path

import negspace
from bench.rules.cases import cases
from bench.rules.figures import Line, beaten, front
from bench.rules.measuring import measured, remembered
from bench.rules.page import page, plot
from bench.rules.tuning import TRIED, best
from negspace.guidance import RULES

OURS = "auto"
MARKER = "<!-- made by `python -m bench.rules --kept --page docs/frontier.md`; do not edit -->"
TUNED = Path(__file__).with_name("tuned.json")
_WITHOUT = frozenset({"autoguidance", "traced"})
"""The one needs a second network, the other is cfg, looked at more closely."""


def published() -> list[str]:
    """Every rule that the embedded model hosts, at its defaults; ours first."""
    hosted = set(RULES) & set(negspace.load("embedded").facts.rules) - _WITHOUT
    return sorted(hosted, key=lambda name: (name != OURS, name))


def show(one: Line) -> str:
    """A line of the printed table."""
    parts = [
        f"{name} {value:.3g} [{low:.3g}, {high:.3g}]" for name, (value, low, high) in one.figures.items()
    ]
    return f"{one.rule:28} " + "  ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=200, help="paired seeds a concept")
    parser.add_argument("--seed", type=int, default=50)
    parser.add_argument("--steps", type=int, default=10, help="of every picture")
    parser.add_argument(
        "--rules", help="texts of rules, separated by ';' (default: all, published and tuned)"
    )
    parser.add_argument("--tune", action="store_true", help="choose settings; needs another --seed")
    parser.add_argument("--store", type=Path, default=Path(".bench-rules"))
    parser.add_argument("--workers", type=int, default=cpu_count() or 1, help="processes")
    parser.add_argument("--kept", action="store_true", help="make nothing: each rule by what the store has")
    parser.add_argument("--plot", type=Path, help="also draw leak against damage")
    parser.add_argument("--page", type=Path, help="also write the table to this file, below its marker")
    options = parser.parse_args()
    options.store.mkdir(parents=True, exist_ok=True)
    asked, where = cases(options.seeds, options.seed), (options.store, options.steps)
    rules = _rules(options)
    made = remembered((None, *rules), asked, *where)
    bare, *lines = _shown(made if options.kept else measured(rules, asked, *where, options.workers))
    if options.tune:
        chosen = json.dumps(best(bare, lines), indent=1)
        TUNED.write_text(chosen + "\n")
        print(chosen)
        return
    ahead = front(lines)
    print("front of leak against damage:", ", ".join(ahead))
    ours = [one for one in lines if one.rule == OURS]
    chance = {one.rule: beaten(ours[0], one) for one in lines if ours and one.rule != OURS}
    for rule, share in sorted(chance.items(), key=lambda pair: -pair[1]):
        print(f"beats {OURS}: {share:.3f}  {rule}")
    if options.plot:
        plot([bare, *lines], ahead, options.plot)
    if options.page:
        above = options.page.read_text().partition(MARKER)[0]
        options.page.write_text(above + MARKER + "\n\n" + page([bare, *lines], ahead, chance))


def _rules(options: argparse.Namespace) -> list[str]:
    if options.rules:
        return options.rules.split(";")
    if options.tune:
        return [text for rule, texts in TRIED.items() for text in (rule, *texts)]
    tuned = json.loads(TUNED.read_text())
    return list(dict.fromkeys((*published(), *tuned.values())))


def _shown(lines: Iterator[Line]) -> Iterator[Line]:
    for one in lines:
        print(show(one), flush=True)
        yield one


if __name__ == "__main__":
    main()
