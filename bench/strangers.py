"""What strangers cost a tenant: `python -m bench.strangers [--connections N] [--bombs N] [--seconds S]`.

A server with keys runs in a process of its own on the embedded model. One tenant asks for pictures, one
after the other, in three spells of equal length: quiet, besieged, quiet. During the second, strangers hold
half-open connections, and a second tenant sends JPEGs of 1,500 scans, all at once. Printed are the 95th
percentile of the first tenant's times with an interval (order statistics, 95 %), the ratio, and the server's
memory before and after. The exit code is 1 where the besieged percentile is more than twice the quiet one, or
the memory afterwards more than 5 % above that before.
"""

import argparse
import io
import socket
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import floor, sqrt
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import numpy as np
from PIL import Image

from bench.served import Served
from negspace.serve.access.connections import allow_many_files
from negspace.serve.access.tenants import KeyFile, with_new_key, write_keys

REQUEST = {"prompt": "a snowman", "avoid": "hat", "steps": 2}
SHARE = 0.95
LARGEST_RATIO, LARGEST_GROWTH = 2.0, 1.05


def bomb(scans: int = 1500, side: int = 1024) -> str:
    """A progressive JPEG whose last scan is repeated, in base64."""
    noise = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize((side, side)).save(file, "JPEG", progressive=True, quality=5)
    content = file.getvalue()
    last = content.rindex(b"\xff\xda")
    return b64encode(content[:last] + content[last : last + 12] * scans + content[last:]).decode()


def percentile(seconds: list[float]) -> tuple[float, float, float]:
    """The 95th percentile, and its interval by the ranks of a binomial."""
    ordered, count = sorted(seconds), len(seconds)
    half = 1.96 * sqrt(count * SHARE * (1 - SHARE))
    ranks = (floor(count * SHARE + shift) for shift in (0.0, -half, half))
    middle, low, high = (ordered[min(max(rank, 0), count - 1)] for rank in ranks)
    return middle, low, high


def spell(url: str, key: str, seconds: float) -> list[float]:
    """The times of a tenant's requests, one after the other."""
    times: list[float] = []
    until = time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=120, headers={"Authorization": f"Bearer {key}"}) as client:
        while time.monotonic() < until:
            began = time.monotonic()
            client.post("/api/generate", json=REQUEST | {"seed": len(times)}).raise_for_status()
            times.append(time.monotonic() - began)
    return times


def half_open(url: str, count: int, until: threading.Event) -> None:
    """Hold connections that say nothing, or half a head; those that are closed are opened again."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 0)
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(address, timeout=10)) for _ in range(count)]
        for connection in held[::2]:
            connection.sendall(b"POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-")
        until.wait()


def send_bomb(url: str, key: str) -> None:
    """Send a picture that takes long to decode."""
    body = {"prompt": "a house", "init_images": [bomb()], "steps": 1, "denoising_strength": 0.5}
    with httpx.Client(base_url=url, timeout=300, headers={"Authorization": f"Bearer {key}"}) as client:
        with suppress(httpx.HTTPError):
            client.post("/sdapi/v1/img2img", json=body)


@contextmanager
def besieged(url: str, key: str, connections: int, bombs: int) -> Iterator[None]:
    """Strangers at work, for as long as the block lasts."""
    until = threading.Event()
    threads = [
        threading.Thread(target=half_open, args=(url, connections, until), daemon=True),
        *(threading.Thread(target=send_bomb, args=(url, key), daemon=True) for _ in range(bombs)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        until.set()
        for thread in threads:
            thread.join(300)


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=2000)
    parser.add_argument("--bombs", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each spell")
    arguments = parser.parse_args()
    allow_many_files()
    with tempfile.TemporaryDirectory() as place:
        keys, tenant = with_new_key(KeyFile(), "tenant")
        keys, attacker = with_new_key(keys, "attacker")
        write_keys(Path(place) / "keys.yaml", keys)
        server = Served(Path(place) / "data", 1, keys=Path(place) / "keys.yaml", grace=1)
        spell(server.url, tenant, 5.0)
        with besieged(server.url, attacker, 10, 2):  # once, so that what is loaded at first use is there
            spell(server.url, tenant, 5.0)
        before, times = server.megabytes, spell(server.url, tenant, arguments.seconds)
        with besieged(server.url, attacker, arguments.connections, arguments.bombs):
            under = spell(server.url, tenant, arguments.seconds)
        times += spell(server.url, tenant, arguments.seconds)
        after = server.megabytes
        server.close()
    return _report(times, under, before, after)


def _report(quiet: list[float], under: list[float], before: float, after: float) -> int:
    for name, times in (("quiet", quiet), ("besieged", under)):
        middle, low, high = percentile(times)
        print(f"{name:9} {len(times):4} requests, p95 {middle:.3f} s [{low:.3f}, {high:.3f}]")
    ratio, growth = percentile(under)[0] / percentile(quiet)[0], after / before
    print(f"ratio of p95: {ratio:.2f}; memory {before:.0f} MiB before, {after:.0f} MiB after")
    return int(ratio > LARGEST_RATIO or growth > LARGEST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
