"""The quality floor: `python -m bench.floor [--prompts 1000] [--policy drawn-world] [--store FILE]`.

Plain prompts of the whole world on the same seeds: under the policy as it stands, with its terms told and
nothing checked, and without it. The judge is CLIP and the classical measures, never the oracle, which counts
pictures with any defect and right subjects. Asked: the share with a defect falls by 70 % at least, and no
more than 3 points of right subjects are lost. A thousand prompts take about half an hour on one core; what
was made is kept in `--store`, so that a run goes on where it stopped. Intervals are 95 %: Wilson's of shares,
the bootstrap's over prompts of falls and losses.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from functools import partial
from math import inf
from pathlib import Path

import numpy as np

import negspace
from bench.embedded import Wish, wishes
from bench.hat import pictures, spent
from bench.parts import Parts, Row
from negspace.engine import BatchesUpTo
from negspace.judge import Oracle, Rate, open_judge
from negspace.policy.loading import load_policy
from negspace.policy.policy import Policy
from negspace.run.escalation import Limits
from training.world import table

DEFECTS = tuple(concept.name for concept in table.of("defect"))


def unchecked(policy: Policy) -> Policy:
    """The policy with its terms told and none looked for."""
    terms = tuple(term.model_copy(update={"check": "none"}) for term in policy.avoid)
    return policy.model_copy(update={"avoid": terms})


def outcomes(
    model: negspace.Model, oracle: Oracle, policies: Sequence[Policy], requested: Sequence[Wish]
) -> list[Row]:
    """The defects of each picture, whether its subject is right, and what it cost."""
    results = pictures(model, requested, policies)
    readings = oracle.read([result.images[0] for result in results])
    return [
        {
            "defects": [name for name in DEFECTS if reading.has(name)],
            "right": reading.best("subject") == wish.subject,
            **spent(result),
        }
        for result, reading, wish in zip(results, readings, requested, strict=True)
    ]


def report(name: str, rows: Sequence[Row], plain: Sequence[Row] | None) -> None:
    """One arm, and beside the plain one how far defects fall."""
    faulty, right = (np.array([bool(row[kind]) for row in rows]) for kind in ("defects", "right"))
    passes, again = (sum(row[kind] for row in rows) for kind in ("evaluations", "again"))
    print(f"{name:16} any defect {_rate(faulty)}  right subject {_rate(right)}")
    print(f"{'':16} {passes / len(rows):.0f} evaluations a picture, made again {again} times")
    kinds = Counter(defect for row in rows for defect in row["defects"])
    print(f"{'':16} {', '.join(f'{kind} {count}' for kind, count in kinds.most_common()) or 'nothing'}")
    if plain is not None:
        before, before_right = (np.array([bool(row[kind]) for row in plain]) for kind in ("defects", "right"))
        fall, lost = bounds(faulty, right, before, before_right)
        print(f"{'':16} defects fall by {fall}, points of right subjects lost {lost}", flush=True)


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


def _rate(hits: np.ndarray) -> Rate:
    return Rate.of(int(hits.sum()), len(hits))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--policy", default="drawn-world", help="a shipped policy, or a file")
    parser.add_argument(
        "--judge", default="embedded", help="as `negspace imagine --judge` has it; not the oracle"
    )
    parser.add_argument("--retries", type=int, default=3)
    parser.add_argument("--seed", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=inf, help="stop after, and tell what is there")
    parser.add_argument("--store", type=Path, default=Path(".bench/floor.jsonl"))
    options = parser.parse_args()
    if options.judge == "oracle":
        parser.error("the oracle measures here, so it may not judge")
    judge, oracle, floor = open_judge(options.judge), Oracle.load(), load_policy(options.policy)
    limits = Limits(retries=options.retries, seconds=3600)
    model = negspace.load("embedded", batching=BatchesUpTo(64), judge=judge, limits=limits)
    known = [term.term for term in floor.avoid if term.check != "none"]
    requested = wishes(options.prompts, options.seed)
    parts = Parts(
        options.store,
        {
            "prompts": options.prompts,
            "seed": options.seed,
            "retries": options.retries,
            "policy": floor.fingerprint,
            "judge": judge.fingerprint(),
            "model": model.network().fingerprint(),
        },
    )
    print(f"{len(requested)} plain prompts; {floor.label} has looked for: {', '.join(known)}")
    policies = {"plain": [], floor.label: [floor], "unchecked": [unchecked(floor)]}
    arms = {name: partial(outcomes, model, oracle, chosen) for name, chosen in policies.items()}
    by_arm = parts.together(arms, requested, options.minutes)
    print(f"{len(by_arm['plain'])} of them so far")
    for name, rows in by_arm.items():
        report(name, rows, None if name == "plain" else by_arm["plain"])


if __name__ == "__main__":
    main()
