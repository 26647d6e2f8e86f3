"""Whether proofs tell the truth: `python -m bench.prove verdicts|kill|time [--store FOLDER] [--json FILE]`.

verdicts  22 terms in 6 lists: 12 whose thing is often there unasked, 6 that are unrelated, 4 unknown words.
          What is right was measured apart, on `--truth` other seeds of each known term: McNemar's exact p
          below 0.01 says that it helps or harms; anything else that nothing is known to be there, and a
          list is no good that then has other than 12. Every list is proved once, and then again and again on
          seeds of its own with one effective and the unrelated term alone, `--runs` proofs in all. Verdicts
          have the default sizes; what comes after them has no say in them and is made smaller (`SIZES`).
kill      one proof of three terms, killed with SIGKILL at `--kills` random moments and taken up again each
          time; its numbers against those of one that was left alone, and the pictures of both.
time      how long `negspace prove` takes for three terms, in `--workers` processes.

Pictures are kept in `--store`, so that all of it goes on where it stopped. `verdicts` makes about 4,500
pictures, 40 minutes of one core; `--runs 6` is half of it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scipy.stats import binomtest

import negspace
from negspace.lab.effects import Effect, Expectation, tally
from negspace.lab.proof import Proof
from negspace.lab.results import ProofSizes
from negspace.lab.site import Site
from negspace.lab.witness import witness_of
from negspace.request import Avoid

LISTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("a snowman, beach", {"hat": "effect", "top hat": "effect", "fish": "unrelated", "zeppelin": "unknown"}),
    (
        "a red house, meadow",
        {"smoke": "effect", "chimney smoke": "effect", "boat": "unrelated", "gramophone": "unknown"},
    ),
    ("a cat, city", {"collar": "effect", "neckband": "effect", "mushroom": "unrelated"}),
    ("a boat", {"flag": "effect", "beach": "effect", "city": "effect", "flower": "unrelated"}),
    (
        "a tree",
        {
            "beach": "effect",
            "meadow": "effect",
            "mountains": "effect",
            "car": "unrelated",
            "xylophone": "unknown",
        },
    ),
    ("a star, beach", {"hand": "unrelated", "umbrella": "unknown"}),
)
"""Prompt, and what each term of its list is there for."""

TRUTH = 500_000
"""Seeds from which on the truth is measured; no proof comes near them."""

SIZES = ProofSizes(side=2, fresh=8, tried=0)
"""Default sizes for the verdicts; fewer controls, less confirmation, and no other scales and rules."""

THREE = ("a snowman, beach", "hat, night, boat")


@dataclass(frozen=True)
class TermRow:
    """One term in one run."""

    prompt: str
    term: str
    made_for: str
    seed: int
    verdict: str
    truth: str
    effect: float | None

    @property
    def right(self) -> bool:
        return self.verdict == self.truth


def truth(
    model: negspace.Model, store: Path, prompt: str, terms: Sequence[str], pairs: int, site: Site
) -> dict[str, str]:
    """What the terms do, measured on many pairs apart from every proof."""
    witness = witness_of("embedded")
    avoid = tuple(Avoid(term=term) for term in terms)
    kinds: dict[str, str] = {}
    folder = store / "truth"
    with Proof(prompt, avoid, model, folder=folder, seed=TRUTH, site=site) as proof:
        for avoided in avoid:
            if proof.question.early_verdict(avoided.term) is not None:
                kinds[avoided.term] = "unknown"
                continue
            expectation = Expectation.of(prompt, [avoided.term], witness)
            seen = [witness.look(pair) for pair in proof.pairs(avoided, range(pairs))]
            effect = Effect.of(
                tally((_not_as_asked(expectation, a), _not_as_asked(expectation, b)) for a, b in seen)
            )
            shown = effect.p < 0.01
            kinds[avoided.term] = ("helps" if effect.effect > 0 else "harms") if shown else "no_evidence"
            print(
                f"  truth of {avoided.term!r} for {prompt!r}: {kinds[avoided.term]} {effect.effect:+.2f}",
                flush=True,
            )
    return kinds


def short(terms: dict[str, str]) -> dict[str, str]:
    """The first effective and the unrelated term of a list."""
    first = next((term for term, kind in terms.items() if kind == "effect"), None)
    return {term: kind for term, kind in terms.items() if kind == "unrelated" or term == first}


def _not_as_asked(expectation: Expectation, seen: frozenset[str]) -> bool:
    return any(things <= seen for things in expectation.unwanted) or not expectation.wanted <= seen


def verdicts(options: argparse.Namespace) -> dict[str, object]:
    """Verdicts and smallest lists against the truth."""
    model = negspace.load("embedded")
    rows: list[TermRow] = []
    clean = runs = 0
    site = Site(options.workers)
    true = {
        prompt: truth(model, options.store, prompt, list(terms), options.truth, site)
        for prompt, terms in LISTS
    }
    for run in range(options.runs):
        prompt, terms = LISTS[run % len(LISTS)]
        if run >= len(LISTS):
            terms = short(terms)
        seed = 10_000 * (run // len(LISTS))
        avoid = tuple(Avoid(term=term) for term in terms)
        folder = options.store / "runs"
        with Proof(prompt, avoid, model, folder=folder, seed=seed, sizes=SIZES, site=site) as proof:
            result = proof.report().result
        rows += [
            TermRow(prompt, term, terms[term], seed, verdict.kind, true[prompt][term], verdict.effect)
            for term, verdict in result.verdicts.items()
        ]
        runs += 1
        clean += not any(terms[term] in ("unrelated", "unknown") for term in result.smallest_list)
        print(f"  run {run + 1}: {result.answer} ({result.pictures} pictures)", flush=True)
    first = [row for row in rows if row.seed == 0]
    for row in rows:
        mark = " " if row.right else "*"
        effect = "" if row.effect is None else f"{row.effect:+.2f}"
        print(
            f"{mark} {row.prompt:20} {row.term:12} {row.made_for:10} {row.verdict:12} "
            f"truth {row.truth:12} {effect}"
        )
    real = [term for terms in true.values() for term, kind in terms.items() if kind in ("helps", "harms")]
    print(f"terms with an effect, measured apart: {len(real)}")
    print(f"right, first seed of every list: {sum(row.right for row in first)} of {len(first)}")
    print(f"right, all runs: {share(sum(row.right for row in rows), len(rows))}")
    print(f"smallest list without an unrelated or unknown term: {share(clean, runs)}")
    return {"told": [asdict(row) for row in rows], "clean": clean, "runs": runs}


def share(hits: int, of: int) -> str:
    interval = binomtest(hits, of).proportion_ci(method="exact")
    return f"{hits} of {of} [{interval.low:.3f}, {interval.high:.3f}]"


def command(folder: Path, options: argparse.Namespace) -> list[str]:
    """The proof of three terms, as a program of its own."""
    more = [] if options.max_pictures is None else ["--max-pictures", str(options.max_pictures)]
    more += [] if options.workers is None else ["--workers", str(options.workers)]
    steps = [] if options.steps is None else ["--steps", str(options.steps)]
    program = "import sys; from negspace.cli.app import run; sys.exit(run(sys.argv[1:]))"
    arguments = ["prove", THREE[0], "--avoid", THREE[1], "--json", "--out", str(folder)]
    return [sys.executable, "-c", program, *arguments, *more, *steps]


def kill(options: argparse.Namespace) -> dict[str, object]:
    """One proof left alone and one that is killed again and again."""
    alone, killed = options.store / "alone", options.store / "killed"
    began = time.monotonic()
    subprocess.run(command(alone, options), check=True, capture_output=True)
    whole = time.monotonic() - began
    rng, kills = random.Random(options.seed), 0
    made: list[int] = []
    while kills < options.kills:
        running = subprocess.Popen(
            command(killed, options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            running.wait(timeout=rng.uniform(0.1, 1.6) * whole / options.kills + options.start)
            break  # it ended before it could be killed
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            kills += 1
            made.append(len(list((killed / "pictures").glob("*.png"))))
            print(f"  killed {kills} times, {made[-1]} pictures are there", flush=True)
    subprocess.run(command(killed, options), check=True, capture_output=True)
    same = (alone / "report.json").read_bytes() == (killed / "report.json").read_bytes()
    pictures = [
        {file.name: file.read_bytes() for file in (folder / "pictures").glob("*.png")}
        for folder in (alone, killed)
    ]
    lines = (killed / "seen.jsonl").read_text().splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    print(
        f"killed {kills} times: same numbers {same}, "
        f"same {len(pictures[0])} pictures {pictures[0] == pictures[1]}"
    )
    print(f"every picture looked at once: {len(keys) == len(set(keys)) == len(pictures[1])}")
    return {"kills": kills, "same": same, "pictures": pictures[0] == pictures[1], "made": made}


def timed(options: argparse.Namespace) -> dict[str, object]:
    """How long three terms take, from the command to the report."""
    folder = options.store / f"timed-{time.time_ns()}"
    began = time.monotonic()
    ran = subprocess.run(command(folder, options), check=True, capture_output=True, text=True)
    seconds = time.monotonic() - began
    result = json.loads(ran.stdout)
    print(f"{seconds:.0f} s for {result['pictures']} pictures: {result['answer']}")
    return {"seconds": seconds, "pictures": result["pictures"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("verdicts", "kill", "time"))
    parser.add_argument("--store", type=Path, default=Path(".bench-prove"))
    parser.add_argument("--runs", type=int, default=20, help="proofs")
    parser.add_argument("--truth", type=int, default=60, help="pairs that say what is right")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--start", type=float, default=8.0, help="seconds a program takes to begin")
    parser.add_argument("--max-pictures", type=int, help="of a proof, for kill and time")
    parser.add_argument("--workers", type=int, help="processes that make pictures")
    parser.add_argument("--steps", type=int, help="of the sampler, for kill and time")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of killing")
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    options = parser.parse_args()
    figures = {"verdicts": verdicts, "kill": kill, "time": timed}[options.what](options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
