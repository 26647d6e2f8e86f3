"""Rules measured side by side, a process a core."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import torch

import negspace
from bench.rules.cases import Case
from bench.rules.figures import Line, clean, line
from bench.rules.seen import Studio
from negspace.engine import BatchesUpTo
from negspace.judge import Oracle
from training.world import table

NOTHING = "(no negative)"


def _alone() -> None:
    """Threads of several processes would wait for each other."""
    torch.set_num_threads(1)


@cache
def _studio(store: Path, steps: int) -> Studio:
    return Studio(negspace.load("embedded", batching=BatchesUpTo(64)), Oracle.load(), steps, store)


def _make(store: Path, steps: int, rule: str | None, asked: Sequence[Case]) -> str | None:
    _studio(store, steps).make(rule, asked)
    return rule


def arguments(described: str | None, seeds: int, seed: int) -> ArgumentParser:
    """What every command takes that measures rules, with these defaults."""
    parser = ArgumentParser(description=described, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=seeds, help="paired seeds a concept")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--steps", type=int, default=10, help="of every picture")
    parser.add_argument("--store", type=Path, default=Path(".bench-rules"), help="goes on with what it has")
    parser.add_argument("--workers", type=int, default=cpu_count() or 1, help="processes")
    return parser


def measured(
    rules: Sequence[str], asked: Sequence[Case], store: Path, steps: int, workers: int
) -> Iterator[Line]:
    """No negative, then each rule as soon as its pictures are there."""
    store.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers, get_context("spawn"), _alone) as pool:
        made = [pool.submit(_make, store, steps, rule, asked) for rule in (None, *rules)]
        yield from remembered((one.result() for one in made), asked, store, steps)


def remembered(rules: Iterable[str | None], asked: Sequence[Case], store: Path, steps: int) -> Iterator[Line]:
    """The line of each rule (None: no negative) by as many of the cases as are kept; of none, no line."""
    studio = _studio(store, steps)
    renders = {c.name: clean(studio.oracle, c.name) for c in table.of("subject")}
    for rule in rules:
        seen, bare = studio.kept(rule, asked), studio.kept(None, asked)
        if seen and bare:
            count = min(len(seen), len(bare))
            yield line(rule or NOTHING, asked[:count], seen.first(count), bare.first(count), renders)


def shown(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, each printed as it comes."""
    for one in lines:
        parts = [f"{name} {at:.3g} [{low:.3g}, {high:.3g}]" for name, (at, low, high) in one.figures.items()]
        print(f"{one.rule:28} {'  '.join(parts)}", flush=True)
        yield one
