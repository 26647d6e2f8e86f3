"""What the cache saves: 32 requests that share a policy's negative of 60 words.

    python -m bench.encoding [--repeats 20]

Expected: sharing costs at most 1/10 of encoding the negative 32 times, with the embedded text encoder. It is
small, and so the hardest case: with a larger one, reading the text weighs less. Takes 10 s on one core.

Each repeat measures both arms one after the other, in turning order, so that a slow moment falls
on both. The interval is the bootstrap's 95 % for the median of the repeats' ratios.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

import torch
from transformers import CLIPTextModel, CLIPTokenizer

import negspace
from negspace.encoding import Cache, Cached, Encoder, TextEncoder
from negspace.prompt import parse

REQUESTS = 32
LIMIT = 1 / 10
NEGATIVE = ", ".join(
    f"{kind} {word}"
    for kind in ("blurry", "cropped", "grainy", "(dark:1.2)", "extra")
    for word in ("hand", "frame", "text", "focus", "caption", "cat")
)


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


def encode(encoder: Encoder, texts: Sequence[str]) -> None:
    """What a server does with the negatives of its requests: read each, encode each."""
    for text in texts:
        encoder.encode(parse(text))


def measure(encoder: TextEncoder, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds for REQUESTS negatives in each repeat: one shared, and each encoded anew."""
    texts = [NEGATIVE] * REQUESTS
    arms: dict[str, Callable[[], object]] = {
        "shared": lambda: encode(Cached(encoder, Cache()), texts),
        "anew": lambda: encode(encoder, texts),
    }
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for repeat in range(repeats + 1):
        for name in sorted(arms, reverse=repeat % 2 == 1):
            once = seconds(arms[name])
            if repeat:  # the first warms up: fingerprint, empty prompt, allocator
                taken[name].append(once)
    return taken["shared"], taken["anew"]


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """Bootstrap 95 % interval of the median."""
    chance = random.Random(0)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws)]


def main() -> int:
    """Measure, print, and fail if the limit is passed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    folder = Path(negspace.__file__).with_name("embedded")
    encoder = TextEncoder(
        CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32).eval(),
    )
    words = len(NEGATIVE.replace(",", "").split())
    windows = encoder.encode(parse(NEGATIVE)).windows
    print(f"embedded text encoder, {REQUESTS} requests, a negative of {words} words in {windows} window(s)")
    shared, anew = measure(encoder, repeats)
    ratios = [cached / encoded for cached, encoded in zip(shared, anew, strict=True)]
    low, high = interval(ratios)
    print(f"encoded 32 times   {1000 * statistics.median(anew):8.2f} ms (median of {repeats})")
    print(f"shared by a cache  {1000 * statistics.median(shared):8.2f} ms")
    print(
        f"ratio              {statistics.median(ratios):8.4f} (95 % {low:.4f} to {high:.4f}; limit {LIMIT})"
    )
    return 0 if high <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
