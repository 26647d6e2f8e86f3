"""Dilution: `python -m bench.dilution [--seeds 200] [--rules cfg,auto] [--counts 0,1,5,10,30] [--steps 10]`.

Snowmen at night under a policy that locks "hat" and looks at no picture, alone and beside harmless terms of a
user, on the same seeds; and without any policy. The oracle counts hats and snowmen. Asked: with 1, 5, 10 and
30 terms as many hats as with none, within three points. What was made is kept in `--store`, so that a run
goes on where it stopped. Intervals are Wilson's, 95 %; 200 seeds take about an hour on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path

import negspace
from bench.parts import Parts, Row
from negspace.engine import BatchesUpTo
from negspace.judge import Oracle, Rate
from negspace.policy.loading import parse_policy
from negspace.policy.policy import Policy
from training.world import table

PROMPT = "a snowman, night"
_FIRST_SEED = 1000


def locking(rule: str) -> Policy:
    """A policy that locks "hat", with its rule."""
    return parse_policy(
        f"name: no-hats\nversion: 1\nexplain: No hats.\nlocked: true\nrule: {rule!r}\navoid: [hat]\n"
    )


def harmless_terms(count: int) -> str | None:
    """What the user avoids: things of the world other than snowmen, at first plain, then in colours."""
    things = [subject.name for subject in table.of("subject") if subject.name not in ("snowman", "hand")]
    colours = [f"{colour.name} " for colour in table.of("colour")]
    terms = [f"{colour}{thing}" for colour in ("", *colours) for thing in things]
    return ", ".join(terms[:count]) or None


def rows(
    model: negspace.Model,
    oracle: Oracle,
    steps: int,
    policies: Sequence[Policy],
    avoid: str | None,
    seeds: Sequence[int],
) -> list[Row]:
    """What the oracle sees in the picture of each seed, and what it cost."""
    requests = [negspace.Request(prompt=PROMPT, avoid=avoid, seed=seed, steps=steps) for seed in seeds]
    results = model.generate_all(requests, operator_policies=policies)
    readings = oracle.read([result.images[0] for result in results])
    return [
        {
            "hat": reading.has("hat"),
            "snowman": reading.best("subject") == "snowman",
            "evaluations": sum(result.receipt.evaluations.values()),
        }
        for result, reading in zip(results, readings, strict=True)
    ]


def report(name: str, measured: Sequence[Row]) -> None:
    """One arm in a line."""
    hats, snowmen = (
        Rate.of(sum(row[kind] for row in measured), len(measured)) for kind in ("hat", "snowman")
    )
    spent = sum(row["evaluations"] for row in measured) / len(measured)
    print(f"{name:28} hats {hats}  snowmen {snowmen}  {spent:.0f} evaluations", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--rules", default="cfg,auto")
    parser.add_argument("--counts", default="0,1,5,10,30")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=inf, help="stop after, and tell what is there")
    parser.add_argument("--store", type=Path, default=Path(".bench/dilution.jsonl"))
    options = parser.parse_args()
    model, oracle = negspace.load("embedded", batching=BatchesUpTo(64)), Oracle.load()
    measure = partial(rows, model, oracle, options.steps)
    arms = {"no policy": partial(measure, (), None)}
    for rule in options.rules.split(","):
        for count in map(int, options.counts.split(",")):
            arms[f"{rule}, {count} terms"] = partial(measure, [locking(rule)], harmless_terms(count))
    settings = {"steps": options.steps, "model": model.network().fingerprint()}
    parts = Parts(options.store, settings)
    seeds = range(_FIRST_SEED, _FIRST_SEED + options.seeds)
    by_arm = parts.together(arms, seeds, options.minutes)
    for name, measured in by_arm.items():
        report(f"{name}", measured)


if __name__ == "__main__":
    main()
