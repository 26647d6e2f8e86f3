"""The quality floor: `python -m bench.floor [--prompts 1000] [--judge embedded] [--retries 3]`.

Plain prompts of the whole world on the same seeds: without a policy, with `drawn-world` as negatives alone,
and with the same policy whose terms have the check "retry". The oracle counts pictures with any defect, and
right subjects. Asked: the share with a defect falls by 70 % at least, and no more than 3 points of right
subjects are lost. A thousand prompts take about an hour on 2 free cores. Intervals are 95 %: Wilson's of
shares, the bootstrap's over prompts of falls and losses.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

import negspace
from bench.embedded import Wish, wishes
from bench.hat import made
from negspace.avoid import Policy, load_policy
from negspace.avoid.escalation import Limits
from negspace.engine import UpTo
from negspace.judge import Oracle, Rate, open_judge
from training.world import table

DEFECTS = tuple(concept.name for concept in table.of("defect"))


def checked(policy: Policy) -> Policy:
    """The policy with every term looked for, and pictures made again for it."""
    terms = tuple(term.model_copy(update={"check": "retry"}) for term in policy.avoid)
    return policy.model_copy(update={"avoid": terms})


def arm(
    model: negspace.Model, asked: Sequence[Wish], policy: Policy | None, oracle: Oracle
) -> tuple[np.ndarray, np.ndarray, float]:
    """[n] any defect, [n] right subject, evaluations a request."""
    results = made(model, asked, policy, None)
    readings = oracle.read([result.images[0] for result in results])
    faulty = np.array([any(one.has(name) for name in DEFECTS) for one in readings])
    right = np.array([one.best("subject") == wish.subject for one, wish in zip(readings, asked, strict=True)])
    return faulty, right, float(np.mean([sum(one.receipt.evaluations.values()) for one in results]))


def bounds(
    faulty: np.ndarray, right: np.ndarray, before: np.ndarray, before_right: np.ndarray
) -> tuple[str, str]:
    """The fall of defects and the points of right subjects lost, each with its interval."""
    rng = np.random.default_rng(1)
    index = rng.integers(0, len(before), (4000, len(before)))
    share = np.maximum(before[index].mean(1), 1e-9)
    falls = 1 - faulty[index].mean(1) / share
    losses = 100 * (before_right[index].mean(1) - right[index].mean(1))
    fall = 1 - faulty.mean() / max(before.mean(), 1e-9)
    lost = 100 * (before_right.mean() - right.mean())
    low, high = np.quantile(falls, (0.025, 0.975))
    least, most = np.quantile(losses, (0.025, 0.975))
    return f"{fall:.1%} [{low:.1%}, {high:.1%}]", f"{lost:.1f} [{least:.1f}, {most:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument(
        "--judge", default="embedded", help="as `negspace imagine --judge` has it; not the oracle"
    )
    parser.add_argument("--retries", type=int, default=3)
    parser.add_argument("--seed", type=int, default=50)
    options = parser.parse_args()
    if options.judge == "oracle":
        parser.error("the oracle measures here, so it may not judge")
    started = time.monotonic()
    judge, oracle = open_judge(options.judge), Oracle.load()
    limits = Limits(retries=options.retries, seconds=3600)
    model = negspace.load("embedded", width=UpTo(64), judge=judge, limits=limits)
    floor = load_policy("drawn-world")
    known = [term.term for term in floor.avoid if judge.knows(term.term)]
    asked = wishes(options.prompts, options.seed)
    print(f"{len(asked)} plain prompts; the judge {options.judge} knows of the floor: {', '.join(known)}")
    before, before_right, passes = arm(model, asked, None, oracle)
    print(
        f"{'plain':18} any defect {_rate(before)}  right subject {_rate(before_right)}  "
        f"{passes:.0f} evaluations"
    )
    for name, policy in (("negatives alone", floor), ("and made again", checked(floor))):
        faulty, right, passes = arm(model, asked, policy, oracle)
        fall, lost = bounds(faulty, right, before, before_right)
        print(f"{name:18} any defect {_rate(faulty)}  right subject {_rate(right)}  {passes:.0f} evaluations")
        print(f"{'':18} defects fall by {fall}, points of right subject lost {lost}", flush=True)
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")


def _rate(hits: np.ndarray) -> Rate:
    return Rate.of(int(hits.sum()), len(hits))


if __name__ == "__main__":
    main()
