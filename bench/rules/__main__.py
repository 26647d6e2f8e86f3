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
where it stopped; remove the files of a rule whose code was changed. Settings are tuned by `python -m
bench.rules.tuning`. All rules on 200 seeds of 10 steps take eight hours of a core, all published ones on
`--seeds 24` half an hour.
"""

from __future__ import annotations

from pathlib import Path

import negspace
from bench.rules.cases import cases
from bench.rules.figures import beaten, front
from bench.rules.measuring import arguments, measured, remembered, shown
from bench.rules.page import page, plot
from bench.rules.tuning import tuned
from negspace.guidance import RULES

OURS = "auto"
MARKER = "<!-- made by `python -m bench.rules --kept --page docs/frontier.md`; do not edit -->"
_WITHOUT = frozenset({"autoguidance", "traced"})
"""The one needs a second network, the other is cfg, looked at more closely."""


def published() -> list[str]:
    """Every rule that the embedded model hosts, at its defaults; ours first."""
    hosted = set(RULES) & set(negspace.load("embedded").facts.rules) - _WITHOUT
    return sorted(hosted, key=lambda name: (name != OURS, name))


def main() -> None:
    parser = arguments(__doc__, seeds=200, seed=50)
    parser.add_argument(
        "--rules", help="texts of rules, separated by ';' (default: all, published and tuned)"
    )
    parser.add_argument("--kept", action="store_true", help="make nothing: each rule by what the store has")
    parser.add_argument("--plot", type=Path, help="also draw leak against damage")
    parser.add_argument("--page", type=Path, help="also write the table to this file, below its marker")
    options = parser.parse_args()
    every = options.rules.split(";") if options.rules else [*published(), *tuned().values()]
    rules = list(dict.fromkeys(every))
    asked, where = cases(options.seeds, options.seed), (options.store, options.steps)
    made = remembered((None, *rules), asked, *where)
    lines = list(shown(made if options.kept else measured(rules, asked, *where, options.workers)))
    if not lines:
        parser.error(f"--kept: {options.store} holds nothing of these seeds; run without it first")
    bare, *lines = lines
    ahead = front(lines)
    print("front of leak against damage:", ", ".join(ahead))
    ours = [one for one in lines if one.rule == OURS]
    chance = {one.rule: beaten(ours[0], one) for one in lines if ours and one.rule != OURS}
    for rule, share in sorted(chance.items(), key=lambda pair: -pair[1]):
        print(f"beats {OURS}: {share:.3f}  {rule}")
    if options.plot:
        plot([bare, *lines], ahead, options.plot)
    if options.page:
        above = options.page.read_text().partition(MARKER)[0] if options.page.exists() else ""
        options.page.write_text(above + MARKER + "\n\n" + page([bare, *lines], ahead, chance))


if __name__ == "__main__":
    main()
