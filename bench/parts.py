"""Parts: what a benchmark has measured so far, a line of JSON each, so that it goes on where it stopped."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

Row = Mapping[str, Any]
Asked = TypeVar("Asked")

_TOGETHER = 32


class Parts:
    """Rows of a file, each under a key of its own; those of other settings are not taken for its own.

    Args:
        file: where they are kept; made on the first row.
        settings: what the rows depend on; a file that was begun with others ends the program.
    """

    def __init__(self, file: Path, settings: Mapping[str, Any]) -> None:
        self._file = file
        self.rows: dict[str, Row] = {}
        asked = json.loads(json.dumps(settings))
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith("\n")]
        if whole and whole[0] != asked:
            sys.exit(f"{file} was begun with other settings ({whole[0]}); give another --store or remove it")
        for line in whole[1:]:
            self.rows[line["key"]] = line
        # A line that a kill left unfinished is measured again.
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = "".join(line for line in lines if line.endswith("\n")) or _line(asked)
        file.write_text(kept, encoding="utf-8")

    def add(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Keep rows, all in one writing."""
        told = {key: {"key": key, **row} for key, row in rows}
        with self._file.open("a", encoding="utf-8") as file:
            file.write("".join(map(_line, told.values())))
        self.rows |= told

    def together(
        self,
        arms: Mapping[str, Callable[[Sequence[Asked]], Iterable[Row]]],
        asked: Sequence[Asked],
        minutes: float,
    ) -> dict[str, list[Row]]:
        """The rows of every arm for the same part of `asked`: all of it, or as much as the time allows.

        Args:
            arms: how each is measured, by name.
            asked: in order.
            minutes: after which no further part is begun.
        """
        until, done = monotonic() + 60 * minutes, 0
        while done < len(asked) and monotonic() < until:
            done = min(done + _TOGETHER, len(asked))
            for name, measure in arms.items():
                self.measured(name, asked[:done], measure)
        return {name: [self.rows[f"{name} {number}"] for number in range(done)] for name in arms}

    def measured(
        self,
        name: str,
        asked: Sequence[Asked],
        measure: Callable[[Sequence[Asked]], Iterable[Row]],
        batch: int = 64,
    ) -> list[Row]:
        """One row for each of `asked`, measured where it is not there yet, so many at a time."""
        keys = [f"{name} {number}" for number in range(len(asked))]
        left = [number for number, key in enumerate(keys) if key not in self.rows]
        for start in range(0, len(left), batch):
            numbers = left[start : start + batch]
            rows = measure([asked[number] for number in numbers])
            self.add((keys[number], row) for number, row in zip(numbers, rows, strict=True))
        return [self.rows[key] for key in keys]


def _line(told: Any) -> str:
    return json.dumps(told) + "\n"
