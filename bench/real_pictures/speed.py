"""`negspace check` on many pictures: pictures a second, and whether memory stays flat."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.real_pictures.marks import KINDS, marked
from bench.real_pictures.photos import CALIBRATING, EVALUATING, crops

LEAST = 4.0
"""Pictures a second on two cores."""
FLAT = 1.1
"""Memory at the end against that after a quarter of the time."""


def measure_speed(count: int) -> bool:
    """Check `count` PNG files of 512 pixels, every fourth with a mark; print and return whether it holds.

    Processor time is printed too: on a machine with other work, pictures a second say little.
    """
    with tempfile.TemporaryDirectory() as place:
        _write(Path(place), count)
        command = [sys.executable, "-m", "negspace", "check", place, "--policy", "quality-floor", "--json"]
        began = time.perf_counter()
        with (Path(place) / ".out.json").open("w") as out:
            checking = subprocess.Popen([*command, "--avoid", "nudity"], stdout=out)
            memory = list(_memory(checking))
        seconds = time.perf_counter() - began
        times = os.times()
    processor = times.children_user + times.children_system
    early = memory[len(memory) // 4]
    pace, possible = count / seconds, len(os.sched_getaffinity(0)) * count / processor
    print(f"{count} pictures in {seconds:.0f} s: {pace:.2f} a second; exit code {checking.returncode}")
    print(f"processor: {1000 * processor / count:.0f} ms a picture, {possible:.2f} a second on free cores")
    print(f"memory: {early:.0f} MB after a quarter, {memory[-1]:.0f} at the end, {max(memory):.0f} at most")
    return pace >= LEAST and memory[-1] <= FLAT * early


def _write(folder: Path, count: int) -> None:
    random = np.random.default_rng(31)
    for index, crop in enumerate(crops(CALIBRATING + EVALUATING, count, 32)):
        picture = marked(crop, KINDS[index % len(KINDS)], 1.0, random) if index % 4 == 0 else crop
        picture.save(folder / f"{index:05}.png", compress_level=1)


def _memory(process: subprocess.Popen[bytes]) -> Iterator[float]:
    """Megabytes that a process holds, once a second until it ends."""
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        yield next(
            (int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0
        )
        time.sleep(1)
