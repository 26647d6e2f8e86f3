"""How long a person waits for the first picture: `python -m bench.cold [--repeats 5]`.

Each repeat starts the program anew, as a shell does: Python, imports, weights, 20 steps, the file.
Expected on 2 cores: under 10 s for the picture, under 1 s for `negspace --help`. Takes a minute.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

LIMITS = {"imagine": 10.0, "help": 1.0}


def seconds(arguments: list[str], folder: str) -> float:
    """Wall time of one run of the program in a folder of its own."""
    start = perf_counter()
    program = Path(sys.executable).with_name("negspace")
    subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    runs = {
        "imagine": ["imagine", "a snowman, night", "--avoid", "hat", "--steps", "20", "--seed", "7"],
        "help": ["--help"],
    }
    slow = False
    for name, arguments in runs.items():
        with tempfile.TemporaryDirectory() as folder:
            taken = sorted(seconds(arguments, folder) for _ in range(repeats))
        middle, limit = statistics.median(taken), LIMITS[name]
        slow |= middle >= limit
        spread = f"[{taken[0]:.2f}, {taken[-1]:.2f}] of {repeats}"
        print(f"{name:8} median {middle:.2f} s {spread}, asked < {limit:g} s")
    sys.exit(slow)


if __name__ == "__main__":
    main()
