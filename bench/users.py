"""Simulated users: `python -m bench.users [--users 200] [--rounds 3] [--store FILE]`.

Each asks for one thing, sees things in the first picture that nobody asked for, and dislikes them. In each
round the user complains, in words drawn from several ways of saying it, of what the oracle still sees of the
disliked; feedback changes what is avoided, and the next picture is made on the same seed. Nobody tells the
list what is disliked but the complaints. Asked: at least 90 % end without anything disliked after three
rounds. What is complained of again is looked for by the model's own judge, which is not the oracle, and the
picture made again. Wilson intervals, 95 %. 200 users take about 6 minutes on one core; what was seen is kept
in `--store`, so that a run goes on where it stopped.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import negspace
from bench.embedded import Wish, wishes
from bench.hat import spent
from bench.parts import Parts, Row
from negspace.engine import BatchesUpTo
from negspace.feedback.history import History
from negspace.judge import Oracle, OracleReading, Rate, embedded_judge
from training.world import table

UNASKED = tuple(concept.name for concept in (*table.of("accessory"), *table.of("defect")))
DEFECT_COMPLAINTS = {
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

THING_COMPLAINTS = ("lose the {}", "I don't want a {}", "no {} please", "remove the {}", "get rid of that {}")
_BATCH = 64

Look = Callable[[str, Sequence[tuple[Wish, History]]], list[Row]]
"""What is seen in pictures under a name, made where they were not made before."""


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
        """Everything that is wrong, as one text."""
        sentences = []
        for name in seen:
            forms = DEFECT_COMPLAINTS.get(name) or tuple(form.format(name) for form in THING_COMPLAINTS)
            sentences.append(rng.choice(forms))
        return ". ".join(sentences)


def shown(reading: OracleReading) -> list[str]:
    """What of the unasked is in a picture."""
    return [name for name in UNASKED if reading.has(name)]


def read(model: negspace.Model, oracle: Oracle, rounds: Sequence[tuple[Wish, History]]) -> list[Row]:
    """What of the unasked the oracle sees in the pictures, and what they cost."""
    requests = [
        negspace.Request(prompt=wish.prompt, avoid=history.avoid_list.avoids or None, seed=wish.seed)
        for wish, history in rounds
    ]
    results = model.generate_all(requests)
    readings = oracle.read([result.images[0] for result in results])
    return [
        {"seen": shown(reading), "wanted": reading.best("subject") == wish.subject, **spent(result)}
        for (wish, _), result, reading in zip(rounds, results, readings, strict=True)
    ]


def users(look: Look, count: int, seed: int) -> list[User]:
    """So many users whose first picture shows something that nobody asked for."""
    everyone: list[User] = []
    start = History.of(None)
    for batch in range(1000):
        wanted = wishes(_BATCH, seed + batch)
        rows = look(f"first {batch}", [(wish, start) for wish in wanted])
        everyone += (
            User(wish, frozenset(row["seen"]), start)
            for wish, row in zip(wanted, rows, strict=True)
            if row["seen"]
        )
        if len(everyone) >= count:
            break
    return everyone[:count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=70_000)
    parser.add_argument("--store", type=Path, default=Path(".bench/users.jsonl"))
    options = parser.parse_args()
    model = negspace.load("embedded", batching=BatchesUpTo(64))
    oracle, rng = Oracle.load(), Random(options.seed)
    parts = Parts(
        options.store,
        {
            "users": options.users,
            "seed": options.seed,
            "judge": embedded_judge().fingerprint(),
            "model": model.network().fingerprint(),
        },
    )

    def look(name: str, rounds: Sequence[tuple[Wish, History]]) -> list[Row]:
        return parts.measured(name, rounds, partial(read, model, oracle))

    everyone = users(look, options.users, options.seed)
    seen = [sorted(user.disliked) for user in everyone]
    for number in range(1, options.rounds + 1):
        under_way = [index for index, user in enumerate(everyone) if user.done is None]
        for index in under_way:
            user = everyone[index]
            user.history = user.history.after(user.complaint(seen[index], rng))
        rows = look(f"round {number}", [(everyone[i].wish, everyone[i].history) for i in under_way])
        for index, row in zip(under_way, rows, strict=True):
            user = everyone[index]
            seen[index] = [name for name in row["seen"] if name in user.disliked]
            user.done = None if seen[index] else number
        content = Rate.of(sum(user.done is not None for user in everyone), len(everyone))
        passes = sum(row["evaluations"] for row in rows) / max(len(rows), 1)
        right = Rate.of(sum(row["wanted"] for row in rows), max(len(rows), 1))
        print(f"after round {number}: without anything disliked {content}; of this round's pictures", end=" ")
        print(f"{right} show the right subject, {passes:.0f} evaluations each", flush=True)
    left = Counter(name for names in seen for name in names)
    print(f"still there: {', '.join(f'{name} {number}' for name, number in left.most_common()) or 'nothing'}")


if __name__ == "__main__":
    main()
