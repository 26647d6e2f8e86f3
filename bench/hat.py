"""Never a hat: `python -m bench.hat [--requests 1000] [--judge embedded] [--retries 5]`.

Requests for snowmen, which this model draws with hats unasked, three times on the same seeds: plain, with a
negative alone, and under the policy "never a hat, block", whose judge is CLIP or a measure and never the
oracle. The oracle, which had no part in any of it, then reads every picture that was delivered. Asked: hats
in fewer than 0.5 % of delivered pictures. A thousand requests take about an hour on 2 free cores. Intervals
are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import negspace
from bench.embedded import Wish, wishes
from negspace.avoid import Policy, parse_policy
from negspace.avoid.escalation import Limits
from negspace.engine import UpTo
from negspace.generate import Result
from negspace.judge import Oracle, Rate, open_judge

NEVER = """
name: never-a-hat
version: 1
explain: Our snowmen wear nothing on their heads.
locked: true
avoid: [{term: hat, check: block, also: [top hat]}]
"""
_BATCH = 32


def made(
    model: negspace.Model, asked: Sequence[Wish], policy: Policy | None, avoid: str | None
) -> list[Result]:
    """The results of all wishes, so many at a time."""
    results: list[Result] = []
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        requests = [negspace.Request(prompt=one.prompt, avoid=avoid, seed=one.seed) for one in batch]
        results += model.generate_all(requests, policies=[policy] if policy else ())
    return results


def told(name: str, results: Sequence[Result], oracle: Oracle) -> None:
    """One arm: hats among what was delivered, and what it cost."""
    pictures = [image for result in results for image in result.images]
    readings = oracle.read(pictures)
    hats = Rate.of(sum(one.has("hat") for one in readings), max(len(pictures), 1))
    snowmen = Rate.of(sum(one.best("subject") == "snowman" for one in readings), max(len(pictures), 1))
    records = [one for result in results for one in (*result.receipt.images, *result.receipt.withheld)]
    again = sum(max(len(one.attempts) - 1, 0) for one in records)
    passes = sum(sum(one.evaluations.values()) for one in records) / len(records)
    kept = Rate.of(sum(len(result.receipt.withheld) for result in results), len(records))
    print(f"{name:20} hats {hats}  snowmen {snowmen}")
    print(f"{'':20} refused {kept}  made again {again} times  {passes:.0f} evaluations a request", flush=True)


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
    options = parser.parse_args()
    if options.judge == "oracle":
        parser.error("the oracle measures here, so it may not judge")
    started = time.monotonic()
    limits = Limits(retries=options.retries, seconds=3600)
    model = negspace.load("embedded", width=UpTo(64), judge=open_judge(options.judge), limits=limits)
    oracle = Oracle.load()
    asked = wishes(options.requests, options.seed, ["snowman"])
    print(f"{len(asked)} requests for snowmen, judge {options.judge}, {options.retries} retries at most")
    told("plain", made(model, asked, None, None), oracle)
    told("negative alone", made(model, asked, None, "hat"), oracle)
    told("never a hat, block", made(model, asked, parse_policy(NEVER), None), oracle)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
