"""What the embedded model reaches, read by the oracle: `python -m bench.embedded [--tune 2,3]`.

Three tables: are subject, colour and place right on held-out prompts; how often does each defect and each
planted accessory appear unasked; how much of that goes away when it is named in the negative, and what
that costs. About half an hour on 2 cores; `--tune 2,3` compares scales on other seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import negspace
from negspace.engine import BatchesUpTo
from negspace.judge import Oracle, OracleReading, Rate
from training.world import table

_ROWS = 64


@dataclass(frozen=True)
class Wish:
    """A plain prompt and what must be seen in its picture."""

    subject: str
    colour: str
    place: str
    night: bool
    snow: bool
    seed: int

    @property
    def prompt(self) -> str:
        """Its words."""
        tags = [f"a {self.colour} {self.subject}", self.place]
        tags += [word for word, present in (("night", self.night), ("snow", self.snow)) if present]
        return ", ".join(tags)


def wishes(count: int, seed: int, subjects: Sequence[str] = ()) -> list[Wish]:
    """So many different wishes, drawn evenly; with `subjects`, of these only."""
    rng = Random(seed)
    names = list(subjects) or [c.name for c in table.of("subject")]
    colours, places = ([c.name for c in table.of(kind)] for kind in ("colour", "place"))
    return [
        Wish(
            names[i % len(names)],
            rng.choice(colours),
            rng.choice(places),
            rng.random() < 0.3,
            rng.random() < 0.25,
            rng.getrandbits(40),
        )
        for i in range(count)
    ]


def rate(hits: Sequence[bool]) -> Rate:
    """The share of hits."""
    return Rate.of(sum(hits), len(hits))


@dataclass(frozen=True)
class Bench:
    """A model, the oracle, and the scale to run at (None: the model's default)."""

    model: negspace.Model
    oracle: Oracle
    scale: float | None

    def readings(self, wishes: Sequence[Wish], avoid: str | None = None) -> list[OracleReading]:
        """What the oracle sees in one picture a wish."""
        requests = [
            negspace.Request(prompt=w.prompt, avoid=avoid, seed=w.seed, scale=self.scale) for w in wishes
        ]
        pictures = [result.images[0] for result in self.model.generate_all(requests)]
        return self.oracle.read(pictures)


def right(wanted: Sequence[Wish], seen: Sequence[OracleReading], head: str) -> Rate:
    """How often the oracle's best answer is what was wished."""
    return rate(
        [reading.best(head) == getattr(wish, head) for wish, reading in zip(wanted, seen, strict=True)]
    )


def accuracy(bench: Bench, count: int, seed: int) -> tuple[dict[str, Rate], list[OracleReading]]:
    """Right subject, colour, place, night and snow on plain prompts; and the readings."""
    wanted = wishes(count, seed)
    seen = bench.readings(wanted)
    rates = {head: right(wanted, seen, head) for head in ("subject", "colour", "place")}
    for word in ("night", "snow"):
        rates[word] = rate([r.has(word) == getattr(w, word) for w, r in zip(wanted, seen, strict=True)])
    return rates, seen


@dataclass(frozen=True)
class Effect:
    """One concept, on the same seeds without and with it in the negative."""

    concept: str
    before: Rate
    after: Rate
    subject_before: Rate
    subject_after: Rate

    @property
    def fall(self) -> float:
        """The share of the rate that went away."""
        return 1 - self.after.share / self.before.share if self.before.share else float("nan")

    @property
    def lost(self) -> float:
        """Points of the right-subject rate lost."""
        return 100 * (self.subject_before.share - self.subject_after.share)


def effect(bench: Bench, concept: table.Concept, count: int, seed: int) -> Effect:
    """Paired pictures without a negative and with the concept named in it."""
    wanted = wishes(count, seed, concept.only)
    bare, steered = bench.readings(wanted), bench.readings(wanted, concept.words[0])
    name = concept.name
    return Effect(
        name,
        rate([r.has(name) for r in bare]),
        rate([r.has(name) for r in steered]),
        right(wanted, bare, "subject"),
        right(wanted, steered, "subject"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prompts", type=int, default=500, help="held-out prompts for the first table")
    parser.add_argument("--pairs", type=int, default=150, help="paired pictures a concept")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--scale", type=float, help="guidance scale (default: the model's)")
    parser.add_argument("--tune", metavar="SCALES", help="compare scales, as 2,2.5,3, on other seeds instead")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    options = parser.parse_args()
    model = negspace.load("embedded", batching=BatchesUpTo(_ROWS))
    if options.tune:
        tune(model, options)
        return
    started = time.monotonic()
    bench = Bench(model, Oracle.load(), options.scale)
    figures, _ = accuracy(bench, options.prompts, options.seed)
    print(f"scale {options.scale or model.facts.scale}, {model.facts.steps} steps of {model.facts.sampler}")
    print(f"right on {options.prompts} held-out prompts")
    for head, share in figures.items():
        print(f"  {head:16} {share}")
    effects = []
    print("unasked, without and with it in the negative; the fall of its rate; points of right subject lost")
    for concept in (*table.of("defect"), *table.of("accessory")):
        e = effect(bench, concept, options.pairs, options.seed + 100)
        effects.append(e)
        print(f"  {e.concept:16} {e.before}  {e.after}  {e.fall:6.1%}  {e.lost:5.1f}", flush=True)
    shown = [e.fall for e in effects if e.before.share]
    fall = sum(shown) / len(shown)
    lost = sum(e.lost for e in effects) / len(effects)
    print(f"  mean fall {fall:.1%} over the {len(shown)} of {len(effects)} concepts that appear unasked")
    print(f"  mean points of right subject lost {lost:.1f}")
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    if options.json:
        written = {
            "accuracy": figures,
            "effects": [asdict(e) for e in effects],
        }
        written |= {"mean_fall": fall, "mean_points_lost": lost}
        options.json.write_text(json.dumps(written, indent=1, default=Rate.model_dump) + "\n")


def tune(model: negspace.Model, options: argparse.Namespace) -> None:
    """Accuracy and the mean effect of a negative at several scales."""
    seed = options.seed + 1
    concepts = (*table.of("defect"), *table.of("accessory"))
    for scale in map(float, options.tune.split(",")):
        bench = Bench(model, Oracle.load(), scale)
        figures, _ = accuracy(bench, options.prompts, seed)
        effects = [effect(bench, concept, options.pairs, seed + 100) for concept in concepts]
        right_now = "  ".join(f"{head} {correct.share:.3f}" for head, correct in figures.items())
        there = sum(e.before.share for e in effects) / len(effects)
        left = sum(e.after.share for e in effects) / len(effects)
        lost = sum(e.lost for e in effects) / len(effects)
        fall = 1 - left / there
        rates = "  ".join(
            f"{e.concept} {e.before.share:.2f}>{e.after.share:.2f} ({e.lost:.0f})" for e in effects
        )
        print(f"scale {scale}: {right_now}")
        print(f"  unasked {there:.3f}, avoided {left:.3f} ({fall:.0%}), lost {lost:.1f}")
        print(f"  {rates}", flush=True)


if __name__ == "__main__":
    main()
