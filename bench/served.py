"""A server in a process of its own, and what its clients ask for: for measurements of the server."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, final

import httpx2 as httpx

SUBJECTS = ("snowman", "house", "cat", "boat", "tree", "fish", "car", "flower")
PLACES = ("night", "beach")
NEGATIVES = ("hat", "blurry", "smoke, text", "watermark")
BATCH = 16
PROGRAM = "from negspace.cli import main; main()"


def unlike() -> list[dict[str, Any]]:
    """16 requests that differ in everything that a batch could be thought to need equal."""
    return [
        {
            "prompt": f"a {SUBJECTS[number % 8]}, {PLACES[number // 8]}",
            "avoid": NEGATIVES[number % 4],
            "scale": 2.0 + 0.25 * number,
            "steps": 12 + number % 5 * 4,
            "seed": number,
        }
        for number in range(BATCH)
    ]


@final
class Served:
    """`negspace serve` over the embedded model, as a user starts it.

    Args:
        data: its folder.
        threads: of torch in it.
        settings: by name, as variables of its environment.
    """

    def __init__(self, data: Path, threads: int, **settings: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.data = data
        own = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        own |= {f"NEGSPACE_{name.upper()}": str(value) for name, value in settings.items()}
        command = [sys.executable, "-c", PROGRAM, "serve", "--port", str(port), "--data", str(data)]
        self._log = open(data.with_suffix(".log"), "w")
        self._process = subprocess.Popen(
            command, env={**os.environ, **own}, stdout=subprocess.DEVNULL, stderr=self._log
        )
        while not self._ready():
            if self._process.poll() is not None:
                raise SystemExit(f"the server did not start: {data.with_suffix('.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    @property
    def megabytes(self) -> float:
        """Memory it holds."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def metric(self, name: str) -> float:
        """A counter of its own by name, labels included; 0 before it was counted."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        metrics = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return float(metrics.get(name, 0))

    def close(self, grace: float = 120) -> int:
        """Have it stop, as a service manager does; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(grace)
        self._log.close()
        return status


async def generate(client: httpx.AsyncClient, request: dict[str, Any]) -> float:
    """Seconds that one picture takes, its file included."""
    began = time.perf_counter()
    reply = await client.post("/api/generate", params={"reply": "base64"}, json=request)
    reply.raise_for_status()
    return time.perf_counter() - began
