"""A soak: more is asked for than can be made, some clients hang up, and nothing may grow or get lost.

    python -m bench.soak [--minutes 10]

Expected: memory at the end within 5 % of that in the second minute, every request that was accepted done, or
given up because its client went away, and no status of 500 and above but 503. Requests come at random moments
(a Poisson process) at 1.5 times the rate at which 16 clients get pictures; one client in twenty hangs up
while it waits. Takes its minutes and two more.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2 as httpx
import torch
from sqlalchemy import select

from bench.serve import rate_served
from bench.served import BATCH, Served, unlike
from negspace.store.opening import open_database
from negspace.store.tables import pictures, requests

EXCESS = 1.5
HANGING_UP = 0.05
PATIENCE = 30.0  # seconds, at most, before a client hangs up
SECOND_MINUTE, LAST_MINUTE = (60.0, 120.0), 60.0


async def soak(served: Served, a_second: float, minutes: float) -> tuple[Counter[str], list[float]]:
    """How often each status came, and the memory of the server in MB every second."""
    chance, several = random.Random(9), unlike()
    statuses: Counter[str] = Counter()
    memory: list[float] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)

    async def send(client: httpx.AsyncClient, request: dict[str, Any], patience: float | None) -> None:
        try:
            reply = await asyncio.wait_for(client.post("/api/generate", json=request), patience)
            statuses[str(reply.status_code)] += 1
            if reply.status_code in (429, 503):
                assert int(reply.headers["retry-after"]) >= 1
        except TimeoutError:
            statuses["hung up"] += 1
        except httpx.HTTPError as error:
            statuses[type(error).__name__] += 1

    async def watch() -> None:
        while True:
            memory.append(served.megabytes)
            await asyncio.sleep(1)

    end, sent = time.monotonic() + 60 * minutes, 0
    async with httpx.AsyncClient(base_url=served.url, timeout=600, limits=limits) as client:
        watching = asyncio.create_task(watch())
        tasks: set[asyncio.Task[None]] = set()
        while time.monotonic() < end:
            request = several[sent % BATCH] | {"seed": sent}
            patience = chance.uniform(0.05, PATIENCE) if chance.random() < HANGING_UP else None
            task = asyncio.create_task(send(client, request, patience))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            sent += 1
            await asyncio.sleep(chance.expovariate(EXCESS * a_second))
        watching.cancel()
        await asyncio.gather(*tasks)
    return statuses, memory


def accounted(data: Path) -> Counter[str]:
    """How the requests in the store ended."""
    engine = open_database(f"sqlite:///{data / 'store.db'}")
    with engine.connect() as connection:
        rows = connection.execute(select(requests.c.state, requests.c.failure)).all()
        made = connection.execute(select(pictures.c.sha256)).all()
    engine.dispose()
    ends = Counter(state if failure is None else json.loads(failure)["code"] for state, failure in rows)
    files = {file.stem for file in data.glob("pictures/*/*.png")}
    ends["pictures without a file"] = sum(row.sha256 not in files for row in made)
    ends["files without a picture"] = len(files - {row.sha256 for row in made})
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        served = Served(data, given.threads, share=1.0)
        rate_served(served, 1)
        capacity = rate_served(served, 4)
        print(f"capacity {capacity:.2f} pictures a second, asked for {EXCESS * capacity:.2f}", flush=True)
        statuses, memory = asyncio.run(soak(served, capacity, given.minutes))
        status = served.close()
        print(f"came back: {dict(sorted(statuses.items()))}; exit status {status}")
        print(f"in the store: {dict(accounted(data))}")
        early = statistics.median(memory[int(SECOND_MINUTE[0]) : int(SECOND_MINUTE[1])] or memory)
        late = statistics.median(memory[-int(LAST_MINUTE) :])
        print(
            f"memory: {early:.0f} MB in the second minute, {late:.0f} MB in the last "
            f"({late / early - 1:+.1%}), at most {max(memory):.0f} MB"
        )


if __name__ == "__main__":
    main()
