"""Damaged models: how soon they are refused, and in how much memory: `python -m bench.damaged`.

The 200 of `tests/model_files/test_damaged.py`, 20 of each of ten kinds: files cut off, headers of another
length,
tensors of another dtype, shape or place, headers that promise terabytes, foreign files, missing tensors,
links out of the folder, settings amiss, bombs and programs among pickles, and whole models in one file. Each
is one error, within 5 s and under 500 MB on top of what was taken before; the exit code is 1 where one is
not. Time is that of the processor. About a minute.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import negspace
from tests.families.tiny import TINY
from tests.model_files.test_damaged import DAMAGES, EACH, MEGABYTES, SECONDS, Refusal, refused


def main() -> None:
    every: list[Refusal] = []
    print(f"{'kind':28} {'most s':>8} {'median s':>9} {'most MB':>8}")
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place) / "whole"
        TINY["sd"].save(whole)
        negspace.load(whole, dtype="float32", device="cpu")  # so that libraries are there
        for damage in DAMAGES:
            found: list[Refusal] = []
            for number in range(EACH):
                work = Path(place) / "work"
                found.append(
                    refused(damage, number, Path(shutil.copytree(whole, work / "sd", symlinks=True)))
                )
                shutil.rmtree(work)
            seconds = sorted(one.seconds for one in found)
            most = max(one.megabytes for one in found)
            print(f"{damage.__name__:28} {seconds[-1]:8.3f} {seconds[EACH // 2]:9.3f} {most:8.1f}")
            every += found
    slowest, largest = max(one.seconds for one in every), max(one.megabytes for one in every)
    print(
        f"{len(every)} refused; slowest {slowest:.3f} s of {SECONDS:g}, "
        f"largest {largest:.1f} MB of {MEGABYTES}"
    )
    if slowest >= SECONDS or largest >= MEGABYTES or any("\n" in one.said for one in every):
        sys.exit(1)


if __name__ == "__main__":
    main()
