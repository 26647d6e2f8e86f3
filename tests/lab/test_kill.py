"""A proof that is killed at ten moments of chance and taken up again each time."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
import negspace as ns
from negspace.lab import Proof
from tests.lab.worlds import Words

model = ns.load(sys.argv[1], dtype="float32")
settings = {"steps": 3, "sampler": "DDIM", "witness": Words(), "max_pictures": 400}
with Proof("a cat", "hat, boat", model, folder=Path(sys.argv[2]), **settings) as proof:
    proof.report().save(sys.argv[2])
"""


def begun(model: Path, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(model), str(folder)], cwd=Path(__file__).parents[2]
    )


def pictures(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (folder / "pictures").glob("*.png")}


@pytest.mark.slow
def test_killed_at_ten_moments_it_ends_with_the_same_numbers(tiny_sd: Path, tmp_path: Path) -> None:
    """SIGKILL leaves nothing half-read: the same report, the same pictures, each looked at once."""
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    assert begun(tiny_sd, alone).wait(timeout=120) == 0
    many = len(pictures(alone))
    rng, moments = random.Random(0), list[int]()
    for _ in range(10):
        running = begun(tiny_sd, killed)
        # Some pictures more than there are, and then a moment of chance in whatever is being done.
        wanted = len(moments and pictures(killed) or ()) + rng.randrange(1, max(2, many // 11))
        while running.poll() is None and len(pictures(killed)) < wanted:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.2))
        os.kill(running.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        moments.append(len(pictures(killed)))
    assert moments[-1] < many and len(set(moments)) > 5
    assert begun(tiny_sd, killed).wait(timeout=120) == 0
    assert (killed / "report.json").read_bytes() == (alone / "report.json").read_bytes()
    assert pictures(killed) == pictures(alone)
    keys = [json.loads(line)["key"] for line in (killed / "seen.jsonl").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == many
