"""The server against loops: pictures a second, latency at half load, and a soak.

    python -m bench.serve [--repeats 5] [--minutes 0]

Expected: 16 clients with 16 different prompts, negatives, scales and step counts get at least 3 times the
pictures a second of a loop over diffusers' StableDiffusionPipeline at its default dtype, 1.5 times the same
loop at bfloat16 with channels_last, and 0.9 times one homogeneous batch of 16 in our engine. p95 latency at
half of the most load is under twice the unloaded one. Takes 5 minutes on two cores.

Every repeat runs all arms once, in turning order, so that a slow moment falls on all; a ratio is taken
within a repeat, and its interval is the bootstrap's 95 % for the median. All arms make the same 16 pictures:
the same prompts, negatives, scales, steps and seeds. `--minutes` soaks the server at 1.5 times its capacity
while one client in twenty hangs up: memory, lost jobs, and statuses are told.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx
import torch
import uvicorn
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

import negspace
from negspace.engine import UpTo
from negspace.generate import Model
from negspace.models.folder import find_folder
from negspace.request import Request
from negspace.serve.app import create_app
from negspace.serve.service import Service
from negspace.serve.settings import Settings

SUBJECTS = ("snowman", "house", "cat", "boat", "tree", "fish", "car", "flower")
PLACES = ("night", "beach")
NEGATIVES = ("hat", "blurry", "smoke, text", "watermark")
BATCH = 16


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


def work(requests: Sequence[dict[str, Any]]) -> int:
    """Evaluations that the requests take: two branches a step."""
    return sum(2 * one["steps"] for one in requests)


class Served:
    """A server on a thread of this process."""

    def __init__(self, data: Path) -> None:
        self.service = Service(Settings(data=data, width="UpTo(16)", waiting=512, share=1.0))
        config = uvicorn.Config(create_app(self.service), port=0, log_level="error", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()


async def ask(client: httpx.AsyncClient, request: dict[str, Any]) -> float:
    """Seconds that one picture takes, its file included."""
    began = time.perf_counter()
    reply = await client.post("/api/generate", params={"reply": "base64"}, json=request)
    reply.raise_for_status()
    return time.perf_counter() - began


def rate_served(served: Served, rounds: int) -> float:
    """Pictures a second of 16 clients, each of which asks again as soon as it has its picture."""

    async def client(own: httpx.AsyncClient, request: dict[str, Any]) -> None:
        for round in range(rounds):
            await ask(own, request | {"seed": request["seed"] + 100 * round})

    async def all_of_them() -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=served.url, timeout=600, limits=limits) as own:
            await asyncio.gather(*(client(own, request) for request in unlike()))

    return per_second(lambda: asyncio.run(all_of_them()), rounds * BATCH)


def rate_looped(pipeline: Any) -> float:
    """Pictures a second of a loop over a pipeline."""

    def loop() -> None:
        for one in unlike():
            pipeline(
                one["prompt"],
                negative_prompt=one["avoid"],
                guidance_scale=one["scale"],
                num_inference_steps=one["steps"],
                generator=torch.Generator().manual_seed(one["seed"]),
                output_type="pil",
            )

    return per_second(loop, BATCH)


def rate_alike(model: Model) -> float:
    """Pictures a second of 16 like ones in one batch of our engine, at the mean number of steps."""
    several = unlike()
    steps = round(statistics.mean(one["steps"] for one in several))
    request = Request.from_dict({**several[0], "steps": steps, "n": BATCH, "seed": 0})
    return per_second(lambda: model.run(request).result(), BATCH) * (steps * BATCH * 2) / work(several)


def per_second(task: Callable[[], object], pictures: int) -> float:
    began = time.perf_counter()
    task()
    return pictures / (time.perf_counter() - began)


def pipeline(dtype: torch.dtype | None) -> Any:
    """Diffusers' own pipeline over the embedded folder."""
    given = {} if dtype is None else {"torch_dtype": dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = StableDiffusionPipeline.from_pretrained(
            find_folder("embedded").path, safety_checker=None, **given
        )
    made.set_progress_bar_config(disable=True)
    if dtype is not None:
        made.unet.to(memory_format=torch.channels_last)
        made.vae.to(memory_format=torch.channels_last)
    return made


async def latencies(served: Served, a_second: float, pictures: int) -> list[float]:
    """Latencies of pictures that are asked for at random moments, so many a second."""
    chance, several = random.Random(8), unlike()
    async with httpx.AsyncClient(base_url=served.url, timeout=600) as client:
        tasks: list[asyncio.Task[float]] = []
        for number in range(pictures):
            tasks.append(asyncio.create_task(ask(client, several[number % BATCH])))
            await asyncio.sleep(chance.expovariate(a_second))
        return list(await asyncio.gather(*tasks))


async def unloaded(served: Served) -> list[float]:
    """Latencies of one picture after the other."""
    async with httpx.AsyncClient(base_url=served.url, timeout=600) as client:
        return [await ask(client, request) for request in unlike()]


async def soak(served: Served, a_second: float, minutes: float) -> Counter[str]:
    """Statuses while more is asked for than can be made, and one client in twenty hangs up."""
    chance, several = random.Random(9), unlike()
    came: Counter[str] = Counter()

    async def one(client: httpx.AsyncClient, request: dict[str, Any]) -> None:
        limit = chance.uniform(0.05, 1.0) if chance.random() < 0.05 else 600.0
        try:
            reply = await asyncio.wait_for(client.post("/api/generate", json=request), limit)
            came[str(reply.status_code)] += 1
        except (TimeoutError, httpx.HTTPError):
            came["hung up" if limit < 600 else "lost"] += 1

    end = time.monotonic() + 60 * minutes
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=served.url, timeout=600, limits=limits) as client:
        tasks: set[Awaitable[None]] = set()
        while time.monotonic() < end:
            task = asyncio.create_task(
                one(client, several[len(came) % BATCH] | {"seed": chance.randrange(10**6)})
            )
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            await asyncio.sleep(chance.expovariate(1.5 * a_second))
        await asyncio.gather(*tasks)
    return came


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """The bootstrap's 95 % for the median."""
    chance = random.Random(7)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws)]


def told(name: str, values: Sequence[float], limit: float) -> None:
    low, high = interval(values)
    print(f"{name:<52} {statistics.median(values):6.2f} [{low:.2f}, {high:.2f}]   asked {limit:g}")


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=0.0)
    given = parser.parse_args()
    model = negspace.load("embedded", width=UpTo(16))
    with tempfile.TemporaryDirectory() as data:
        served = Served(Path(data))
        arms: dict[str, Callable[[], float]] = {
            "served": lambda: rate_served(served, 2),
            "loop": lambda: rate_looped(plain),
            "loop, bfloat16": lambda: rate_looped(narrow),
            "one batch": lambda: rate_alike(model),
        }
        plain, narrow = pipeline(None), pipeline(torch.bfloat16)
        for arm in arms.values():
            arm()  # warms up
        rates: dict[str, list[float]] = {name: [] for name in arms}
        for repeat in range(given.repeats):
            for name in sorted(arms, reverse=repeat % 2 == 1):
                rates[name].append(arms[name]())
        for name, values in rates.items():
            print(f"{name:<20} {statistics.median(values):6.2f} pictures a second")
        for name, limit in (("loop", 3.0), ("loop, bfloat16", 1.5), ("one batch", 0.9)):
            ratios = [ours / theirs for ours, theirs in zip(rates["served"], rates[name], strict=True)]
            told(f"served / {name}", ratios, limit)
        most = statistics.median(rates["served"])
        ratios: list[float] = []
        for _ in range(given.repeats):
            alone = p95(asyncio.run(unloaded(served)))
            ratios.append(p95(asyncio.run(latencies(served, most / 2, 40))) / alone)
        told("p95 latency at half load / unloaded", ratios, 2.0)
        if given.minutes:
            before = megabytes()
            came = asyncio.run(soak(served, most, given.minutes))
            after = megabytes()
            print(f"soak: {dict(came)}; memory {before:.0f} to {after:.0f} MB ({after / before - 1:+.1%})")
            print(f"accepted and not ended: {len(served.service.store.unfinished())}")
        served.close()


if __name__ == "__main__":
    main()
