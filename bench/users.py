"""Simulated users: `python -m bench.users [--users 200] [--rounds 3]`.

Each asks for one thing, sees things in the first picture that nobody asked for, and dislikes them. In each
round the user complains, in words drawn from several ways of saying it, of what the oracle still sees of the
disliked; feedback changes what is avoided, and the next picture is made on the same seed. Nobody tells the
list what is disliked but the complaints. Asked: at least 90 % end without anything disliked after three
rounds. Wilson intervals, 95 %. 200 users take about 20 minutes on 2 free cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import negspace
from bench.embedded import Wish, wishes
from negspace.avoid.history import History
from negspace.engine import UpTo
from negspace.judge import Oracle, Rate, Reading
from training.world import table

UNASKED = tuple(concept.name for concept in (*table.of("accessory"), *table.of("defect")))
SAYINGS = {
    "blurry": ("it's blurry", "too blurry", "why is this so blurred?"),
    "noise": ("too grainy", "there is noise all over it", "get rid of the noise"),
    "jpeg artifacts": (
        "I see jpeg artifacts",
        "compression artifacts everywhere",
        "remove the jpeg artifacts",
    ),
    "cropped": ("it is cropped", "the subject is cut off", "don't crop it"),
    "oversaturated": ("too garish", "it's oversaturated", "the colours are too loud"),
    "extra fingers": ("too many fingers", "the hand has extra fingers", "no extra fingers please"),
}
"""What people say of defects; of things they say one of the forms below."""

THINGS = ("lose the {}", "I don't want a {}", "no {} please", "remove the {}", "get rid of that {}")
_BATCH = 32


@dataclass
class User:
    """Who asks.

    Attributes:
        wish: for what.
        disliked: what was seen in the first picture and is not wanted.
        history: what was said.
        done: in which round nothing disliked was left; None before that.
    """

    wish: Wish
    disliked: frozenset[str]
    history: History
    done: int | None = None

    def complaint(self, seen: Sequence[str], rng: Random) -> str:
        """All that is wrong, in one breath."""
        said = []
        for name in seen:
            forms = SAYINGS.get(name) or tuple(form.format(name) for form in THINGS)
            said.append(rng.choice(forms))
        return ". ".join(said)


def shown(reading: Reading) -> list[str]:
    """What of the unasked is in a picture."""
    return [name for name in UNASKED if reading.has(name)]


def read(model: negspace.Model, oracle: Oracle, asked: Sequence[tuple[Wish, History]]) -> list[Reading]:
    """What the oracle sees in the pictures."""
    readings: list[Reading] = []
    for start in range(0, len(asked), _BATCH):
        requests = [
            negspace.Request(prompt=wish.prompt, avoid=history.avoid_list.avoids or None, seed=wish.seed)
            for wish, history in asked[start : start + _BATCH]
        ]
        readings += oracle.read([result.images[0] for result in model.generate_all(requests)])
    return readings


def users(model: negspace.Model, oracle: Oracle, count: int, seed: int) -> list[User]:
    """So many users whose first picture shows something that nobody asked for."""
    found: list[User] = []
    start = History.of(None)
    for batch in range(1000):
        wanted = wishes(_BATCH, seed + batch)
        readings = read(model, oracle, [(wish, start) for wish in wanted])
        for wish, reading in zip(wanted, readings, strict=True):
            if seen := shown(reading):
                found.append(User(wish, frozenset(seen), start))
        if len(found) >= count:
            break
    return found[:count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=70_000)
    options = parser.parse_args()
    started = time.monotonic()
    model, oracle, rng = negspace.load("embedded", width=UpTo(64)), Oracle.load(), Random(options.seed)
    everyone = users(model, oracle, options.users, options.seed)
    seen = [sorted(user.disliked) for user in everyone]
    for number in range(1, options.rounds + 1):
        for user, left in zip(everyone, seen, strict=True):
            if user.done is None:
                user.history = user.history.after(user.complaint(left, rng))
        under_way = [user for user in everyone if user.done is None]
        readings = dict(
            zip(
                map(id, under_way), read(model, oracle, [(u.wish, u.history) for u in under_way]), strict=True
            )
        )
        for index, user in enumerate(everyone):
            if id(user) in readings:
                seen[index] = [name for name in shown(readings[id(user)]) if name in user.disliked]
                user.done = None if seen[index] else number
        content = Rate.of(sum(user.done is not None for user in everyone), len(everyone))
        print(f"after round {number}: without anything disliked {content}", flush=True)
    left_over: dict[str, int] = {}
    for left in seen:
        for name in left:
            left_over[name] = left_over.get(name, 0) + 1
    told = ", ".join(
        f"{name} {number}" for name, number in sorted(left_over.items(), key=lambda one: -one[1])
    )
    print(f"still there: {told or 'nothing'}")
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
