"""Rules measured side by side, a process a core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import torch

import negspace
from bench.rules.cases import Case
from bench.rules.figures import Line, clean, line
from bench.rules.seen import Studio
from negspace.engine import UpTo
from negspace.judge import Oracle
from training.world import table

NOTHING = "(no negative)"


def _alone() -> None:
    """Threads of several processes would wait for each other."""
    torch.set_num_threads(1)


@cache
def _studio(store: Path, steps: int) -> Studio:
    return Studio(negspace.load("embedded", width=UpTo(64)), Oracle.load(), steps, store)


def _make(store: Path, steps: int, rule: str | None, asked: Sequence[Case]) -> str | None:
    _studio(store, steps).seen(rule, asked)
    return rule


def measured(
    rules: Sequence[str], asked: Sequence[Case], store: Path, steps: int, workers: int
) -> Iterator[Line]:
    """No negative, then each rule as soon as its pictures are there."""
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
