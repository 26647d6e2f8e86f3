"""What rules cost beyond the network: `python -m bench.overhead [--rules "cfg;nag"] [--pictures 3]`.

One picture at a time on the embedded model, at its own size, step by step. Per rule:

rule      time in the rule itself (what it asks for, what it makes of it) over the network's time, per step
lane      all time beyond the network over the network's time: the rule, conversions, the sampler, the ledger
forward   the network's time for one forward of 2 rows over that of plain cfg: what a change to it costs

Each is the median over all steps, with the bootstrap's 95 % interval. Rules take turns step by step, so that
a slow moment of the machine falls on all of them; the first two steps warm up. Expected: rule at most 0.03
for every rule. A step is that of the model's default sampler.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Self, TypeVar, final

import torch
from torch import Tensor

import negspace
from negspace.engine import FixedBatches, Lane
from negspace.engine.batcher import predict
from negspace.generate import Model
from negspace.guidance import RULES, Branch, Patch, Rule, Step

LIMIT = 0.03
WARM = 2
"""First steps of a picture, which are not counted."""

PROMPT, AVOID = "a red house, snow", "blurry, watermark"
Answer = TypeVar("Answer")


@dataclass
class Clock:
    """Seconds so far, by what they were spent on."""

    spent: dict[str, float] = field(default_factory=dict)

    def time(self, what: str, work: Callable[[], Answer]) -> Answer:
        """Do a piece of work and add what it took."""
        start = perf_counter()
        answer = work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.spent[what] = self.spent.get(what, 0.0) + perf_counter() - start
        return answer


@final
@dataclass(frozen=True, eq=False)
class Timed(Rule[Any]):
    """A rule whose own time is taken."""

    rule: Rule[Any]
    clock: Clock

    name, formula, paper, space = "timed", "that of the rule", "none", "any"

    def __post_init__(self) -> None:
        """The settings are the inner rule's."""

    @property
    def effective_space(self) -> Any:
        return self.rule.effective_space

    def off(self) -> Self:
        return self

    def patches(self) -> tuple[Patch, ...]:
        return self.rule.patches()

    def init(self) -> Any:
        return self.rule.init()

    def branches(self, step: Step, state: Any) -> tuple[Branch, ...]:
        return self.clock.time("rule", lambda: self.rule.branches(step, state))

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: Any) -> tuple[Tensor, Any]:
        return self.clock.time("rule", lambda: self.rule.combine(predictions, step, state))


@dataclass(frozen=True)
class StepCost:
    """Seconds of one step, its forwards and its evaluations."""

    rule: float
    lane: float
    network: float
    forwards: int
    evaluations: int


def step_of(network: Any, lane: Lane) -> StepCost:
    """What the next step of a lane takes."""
    clock = Clock()
    rule = lane._rule
    lane._rule = Timed(rule, clock)
    rows = clock.time("lane", lane.rows)
    answers, forwards = clock.time("network", lambda: predict(network, rows, FixedBatches(2)))
    clock.time("lane", lambda: lane.advance(answers))
    lane._rule = rule
    spent = clock.spent
    return StepCost(spent["rule"], spent["lane"], spent["network"], forwards, len(rows))


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float, float]:
    """The median, and the bootstrap's 95 % interval for it."""
    rng = random.Random(0)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(draws))
    return statistics.median(values), medians[int(0.025 * draws)], medians[int(0.975 * draws)]


def measure(model: Model, rules: Sequence[str], pictures: int) -> dict[str, list[StepCost]]:
    """The steps of every picture, by rule."""
    costs: dict[str, list[StepCost]] = {rule: [] for rule in rules}
    for picture in range(pictures):
        requests = [negspace.Request(prompt=PROMPT, avoid=AVOID, rule=rule, seed=picture) for rule in rules]
        lanes = {
            rule: model.run(model.plan(request)).lanes[0]
            for rule, request in zip(rules, requests, strict=True)
        }
        with torch.inference_mode():
            for step in range(lanes[rules[0]].progress[1]):
                for rule in rules if step % 2 else reversed(rules):
                    cost = step_of(model.network(), lanes[rule])
                    costs[rule] += [cost] if step >= WARM else []
    return costs


def main() -> int:
    """Print the table; 1 where a rule takes more than LIMIT."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rules", help="texts with ; between them; all that need no second model")
    parser.add_argument("--pictures", type=int, default=3)
    options = parser.parse_args()
    model = negspace.load("embedded")
    hosted = sorted(set(RULES) & set(model.facts.rules) - {"autoguidance"})
    rules = options.rules.split(";") if options.rules else hosted
    costs = measure(model, ["cfg", *(rule for rule in rules if rule != "cfg")], options.pictures)
    forward = statistics.median(step.network / step.forwards for step in costs["cfg"])
    print(f"{'rule':<16} {'rule':>22} {'lane':>22} {'forward':>22}  evaluations")
    worst = 0.0
    for rule, steps in costs.items():
        columns = (
            interval([step.rule / step.network for step in steps]),
            interval([step.lane / step.network for step in steps]),
            interval([step.network / step.forwards / forward for step in steps]),
        )
        shown = " ".join(f"{middle:8.4f} [{low:.4f},{high:.4f}]" for middle, low, high in columns)
        cost = sum(step.evaluations for step in steps) / len(steps)
        print(f"{rule:<16} {shown}  {cost:.2f}")
        worst = max(worst, columns[0][0])
    print(f"largest share of a rule: {worst:.4f}, at most {LIMIT} asked")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
