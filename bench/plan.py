"""How long a plan takes: `python -m bench.plan [--terms N] [--json FILE]`.

A request with a policy of N locked and free terms, a text of N/2 terms of its own, and a prompt of 60 words,
compiled for a model that knows 2,000 words. The time is that of the process, the median and the worst of 50
plans after one that fills the caches. The goal is 5 ms for 200 terms.
"""

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import negspace as ns
from negspace.policy.loading import parse_policy
from negspace.policy.policy import Policy

GOAL = 5.0
ROUNDS = 50
_FIRST = (
    "broken crooked faded peeling tilted melted stained cropped doubled smeared torn warped cracked".split()
)
_SECOND = "hat wheel window mast scarf chimney paw leaf cloud fence boat road tail wing lamp door".split()


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one plan."""

    terms: int
    tokens: int
    median: float
    worst: float


def _words(count: int) -> list[str]:
    return [f"{first} {second}" for first, second in product(_FIRST, _SECOND)][:count]


def _policy(terms: list[str]) -> Policy:
    rows = (
        f"- {{term: {term}, weight: 1.{number % 3}, locked: {'true' if number % 2 else 'false'}}}"
        for number, term in enumerate(terms)
    )
    return parse_policy("\n".join(["name: bench", "version: 1", "explain: For timing.", "avoid:", *rows]))


def _request(avoided: list[str], number: int) -> ns.Request:
    """No two the same, so that nothing is remembered but the policy."""
    return ns.Request(
        prompt=", ".join([f"a red house in the snow with (smoke {number}:1.2)"] * 6),
        avoid=", ".join(f"({term} {number}:1.1)" if at % 2 else term for at, term in enumerate(avoided)),
    )


def timing(terms: int) -> Timing:
    """One plan of that many terms."""
    avoided = _words(terms)
    requests = [_request(avoided[: terms // 2], number) for number in range(ROUNDS + 1)]
    known = frozenset(word for term in avoided for word in term.split()) | {f"word{n}" for n in range(2000)}
    facts = ns.ModelFacts(name="m", encoders=(ns.EncoderFacts(words=known),), scale=4.0)
    policies = [_policy(avoided)]
    first = ns.plan(requests[0], facts, operator_policies=policies)
    taken: list[float] = []
    for request in requests[1:]:
        start = time.process_time_ns()
        ns.plan(request, facts, operator_policies=policies)
        taken.append((time.process_time_ns() - start) / 1e6)
    return Timing(len(first.terms), first.negative_tokens, statistics.median(taken), max(taken))


def main() -> int:
    """Prints the figures; 1 where the median misses the goal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--terms", type=int, default=160, help="terms of the policy")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    arguments = parser.parse_args()
    took = timing(arguments.terms)
    print(f"{took.terms} terms, about {took.tokens} tokens")
    print(f"median {took.median:.2f} ms, worst {took.worst:.2f} ms")
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(took), indent=1), encoding="utf-8")
    return 0 if took.median < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
