"""Prompts by the grammar of AUTOMATIC1111, read by its own parser and by the a1111 dialect.

    python -m bench.a1111 modules/prompt_parser.py --seed 4711

The original is not part of this project: give the path of its file, and install lark beside it. The case file
`tests/prompt/a1111.json`, which the tests read, holds what the original printed for 600 prompts of each kind.
"""

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from negspace.prompt import parse, schedule

WORDS = (
    "cat",
    "red",
    "a",
    "house",
    "snow, fog",
    " ",
    ", ",
    " y ",
    "é",
    "夜",
    "16",
    "1.5",
    "BREAK",
    " BREAK ",
    "b\n",
)
NUMBERS = (
    "3",
    "5",
    "0.5",
    ".25",
    "1",
    "0",
    "2.",
    "12",
    "-1",
    "1.0",
    "99",
    "1e1",
    "+2",
    " 3",
    " .5 ",
    "\n4",
    "7 ",
)
WEIGHTS = ("1.3", "0.5", "-1", "1", "+.5", " 1.2 ", "0", "2.", "1.1", "-0.5", "1e3", "red")
ESCAPES = ("\\(", "\\)", "\\[", "\\]", "\\\\", "\\:", "\\|", "\\a", "\\ ", "\\", "\\\n")
LONGEST = 90

Case = tuple[str, int, int]
"""A prompt, the steps of the sampler, and the steps of a first pass before them."""


def cases(seed: int) -> Iterator[Case]:
    """Prompts without end: mostly well formed, nested up to five deep, with marks strewn in."""
    chance = random.Random(seed)
    while True:
        depth = chance.randint(1, 5)
        text = "".join(_node(chance, depth) for _ in range(chance.randint(1, 4)))
        if len(text) <= LONGEST:
            yield text, chance.randint(1, 8), chance.choice((0, 0, 0, 6))


def deep_cases(seed: int) -> Iterator[Case]:
    """The same in 5 to 80 brackets more."""
    chance = random.Random(seed)
    for text, steps, after in cases(seed):
        for _ in range(chance.randint(5, 80)):
            text = chance.choice(("({})", "[{}]", "({}:0.7)", "a({}", "{}]b", "[{}:c:3]")).replace("{}", text)
        yield text, steps, after


def _node(chance: random.Random, depth: int) -> str:
    def inner() -> str:
        return "".join(_node(chance, depth - 1) for _ in range(chance.randint(0, 3)))

    forms: tuple[tuple[float, Callable[[], str]], ...] = (
        (30, lambda: chance.choice(WORDS)),
        (10, lambda: f"({inner()})"),
        (10, lambda: f"({inner()}:{chance.choice(WEIGHTS)})"),
        (8, lambda: f"[{inner()}]"),
        (8, lambda: f"[{inner()}:{inner()}:{chance.choice(NUMBERS)}]"),
        (6, lambda: f"[{inner()}:{chance.choice(NUMBERS)}]"),
        (4, lambda: f"[{inner()}::{chance.choice(NUMBERS)}]"),
        (8, lambda: f"[{'|'.join(inner() for _ in range(chance.randint(2, 3)))}]"),
        (4, lambda: chance.choice(ESCAPES)),
        (5, lambda: chance.choice("()[]:")),
        (0.5, lambda: "|"),
    )
    usable = forms if depth else forms[:1]
    return chance.choices([form for _, form in usable], [share for share, _ in usable])[0]()


def our_attention(text: str) -> list[list[Any]]:
    """Chunks as AUTOMATIC1111 lists them, without the empty ones."""
    return [[chunk.text, chunk.weight] for chunk in parse(text).chunks if chunk.text]


def our_schedule(text: str, steps: int, after: int) -> list[list[Any]]:
    return [list(entry) for entry in schedule(text, steps, after=after)]


def original(path: Path) -> ModuleType:
    """The module at `path`, without the libraries that its parsers do not use."""
    sys.modules.setdefault("torch", ModuleType("torch"))
    spec = spec_from_file_location("a1111_prompt_parser", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def original_attention(module: ModuleType, text: str) -> list[list[Any]] | None:
    """As `our_attention`; None where the original stops at a number such as 1.2.3."""
    try:
        return [[words, weight] for words, weight in module.parse_prompt_attention(text) if words]
    except ValueError:
        return None


def original_schedule(module: ModuleType, text: str, steps: int, after: int) -> list[list[Any]]:
    base, second = (after, steps) if after else (steps, None)
    return module.get_learned_conditioning_prompt_schedules([text], base, second)[0]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("original", type=Path, help="modules/prompt_parser.py of AUTOMATIC1111")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--deep", action="store_true", help="5 to 80 brackets more around each")
    parser.add_argument("--write", type=Path, help="write what the original prints to this case file")
    options = parser.parse_args(arguments)
    module = original(options.original)
    attention: list[list[Any]] = []
    schedules: list[list[Any]] = []
    for text, steps, after in (deep_cases if options.deep else cases)(options.seed):
        if (chunks := original_attention(module, text)) is not None and len(attention) < options.count:
            attention.append([text, chunks])
        if len(schedules) < options.count:
            schedules.append([text, steps, after, original_schedule(module, text, steps, after)])
        if len(attention) == len(schedules) == options.count:
            break
    if options.write:
        content = {"attention": attention, "schedules": schedules}
        options.write.write_text(
            json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8"
        )
    other = [text for text, chunks in attention if our_attention(text) != chunks]
    print(f"attention: {options.count - len(other)} of {options.count} agree; not {other[:5]}")
    other = [text for text, steps, after, want in schedules if our_schedule(text, steps, after) != want]
    print(f"schedules: {options.count - len(other)} of {options.count} agree; not {other[:5]}")


if __name__ == "__main__":
    main()
