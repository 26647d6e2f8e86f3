"""Never a hat: `python -m bench.hat [--requests 1000] [--judge embedded] [--retries 5] [--store FILE]`.

Requests for snowmen, which this model draws with hats unasked, three times on the same seeds: under the
policy "never a hat, block", whose judge is CLIP or a measure and never the oracle; with a negative alone; and
plain. The oracle, which had no part in any of it, then reads every picture that was delivered. Asked: hats in
fewer than 0.5 % of delivered pictures. A thousand requests take about half an hour on one core; what was made
is kept in `--store`, so that a run goes on where it stopped. Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import negspace
from bench.embedded import Wish, wishes
from bench.parts import Parts, Row
from negspace.engine import BatchesUpTo
from negspace.generate import Result
from negspace.judge import Oracle, Rate, open_judge
from negspace.policy.loading import parse_policy
from negspace.policy.policy import Policy
from negspace.run.escalation import Limits

NEVER = """
name: never-a-hat
version: 1
explain: Our snowmen wear nothing on their heads.
locked: true
avoid: [{term: hat, check: block, also: [top hat]}]
"""
ARMS: Mapping[str, tuple[str | None, str | None]] = {
    "never a hat, block": (NEVER, None),
    "negative alone": (None, "hat"),
    "plain": (None, None),
}
"""(policy, avoid text) of each arm."""


def pictures(
    model: negspace.Model,
    requested: Sequence[Wish],
    policies: Sequence[Policy] = (),
    avoid: str | None = None,
) -> list[Result]:
    """The results of all wishes, made together."""
    requests = [negspace.Request(prompt=wish.prompt, avoid=avoid, seed=wish.seed) for wish in requested]
    return model.generate_all(requests, operator_policies=policies)


def spent(result: Result) -> dict[str, int]:
    """What a request for one picture cost."""
    (record,) = (*result.receipt.images, *result.receipt.withheld)
    return {"again": max(len(record.attempts) - 1, 0), "evaluations": sum(record.evaluations.values())}


def outcomes(
    model: negspace.Model,
    oracle: Oracle,
    policies: Sequence[Policy],
    avoid: str | None,
    keep: Path | None,
    requested: Sequence[Wish],
) -> list[Row]:
    """What became of each request; delivered pictures with a hat go into the folder `keep`."""
    rows: list[Row] = []
    for result, wish in zip(pictures(model, requested, policies, avoid), requested, strict=True):
        row: dict[str, Any] = {"delivered": bool(result.images), "hat": False, "snowman": False}
        for image, reading in zip(result.images, oracle.read(result.images), strict=True):
            row |= {"hat": reading.has("hat"), "snowman": reading.best("subject") == "snowman"}
            if row["hat"] and keep is not None:
                image.save(keep / f"{wish.seed}.png")
        rows.append(row | spent(result))
    return rows


def report(name: str, rows: Sequence[Row]) -> None:
    """One arm: hats among what was delivered, and what it cost."""
    delivered = [row for row in rows if row["delivered"]]
    print(f"{name:20} hats {_rate(delivered, 'hat')}  snowmen {_rate(delivered, 'snowman')}")
    refused = Rate.of(len(rows) - len(delivered), len(rows))
    again, passes = (sum(row[kind] for row in rows) for kind in ("again", "evaluations"))
    print(f"{'':20} refused {refused}  made again {again} times", end="")
    print(f"  {passes / len(rows):.0f} evaluations a request", flush=True)


def _rate(rows: Iterable[Row], kind: str) -> Rate:
    hits = [row[kind] for row in rows]
    return Rate.of(sum(hits), max(len(hits), 1))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument(
        "--judge", default="embedded", help="as `negspace imagine --judge` has it; not the oracle"
    )
    parser.add_argument("--retries", type=int, default=5)
    parser.add_argument("--seed", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=inf, help="stop after, and tell what is there")
    parser.add_argument("--store", type=Path, default=Path(".bench/hat.jsonl"))
    parser.add_argument("--failures", type=Path, help="folder for delivered pictures with a hat")
    options = parser.parse_args()
    if options.judge == "oracle":
        parser.error("the oracle measures here, so it may not judge")
    limits = Limits(retries=options.retries, seconds=3600)
    judge, oracle = open_judge(options.judge), Oracle.load()
    model = negspace.load("embedded", batching=BatchesUpTo(64), judge=judge, limits=limits)
    if options.failures is not None:
        options.failures.mkdir(parents=True, exist_ok=True)
    requested = wishes(options.requests, options.seed, ["snowman"])
    parts = Parts(
        options.store,
        {
            "requests": options.requests,
            "seed": options.seed,
            "retries": options.retries,
            "judge": judge.fingerprint(),
            "model": model.network().fingerprint(),
        },
    )
    print(f"{len(requested)} requests for snowmen, judge {options.judge}, {options.retries} retries at most")
    arms = {
        name: partial(
            outcomes,
            model,
            oracle,
            [parse_policy(policy)] if policy else [],
            avoid,
            options.failures if policy else None,
        )
        for name, (policy, avoid) in ARMS.items()
    }
    by_arm = parts.together(arms, requested, options.minutes)
    print(f"{len(next(iter(by_arm.values())))} of them so far")
    for name, rows in by_arm.items():
        report(name, rows)


if __name__ == "__main__":
    main()
