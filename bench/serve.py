"""The server against loops: pictures a second, and latency at half load.

    python -m bench.serve [--repeats 5] [--only throughput latency]

Expected: 16 clients with 16 different prompts, negatives, scales and step counts get at least 3 times the
pictures a second of a loop over diffusers' StableDiffusionPipeline at its default dtype, 1.5 times the same
loop at bfloat16 with channels_last, and 0.9 times one homogeneous batch of 16 in our engine. p95 latency at
half of the most load is under twice the unloaded one. Takes 10 minutes on two cores.

The server is a process of its own with its defaults, the clients live in this one; loops and the batch run
here while the server idles, with as many threads as the server. Every repeat runs all arms once, in turning
order, so that a slow moment falls on all; a ratio is taken within a repeat, and its interval is the
bootstrap's 95 % for the median. All arms make the same 16 pictures: the same prompts, negatives, scales,
steps and seeds; the homogeneous batch has the mean number of steps. In the latency part pictures are asked
for at random moments (a Poisson process).
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2 as httpx
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

import negspace
from bench.served import BATCH, Served, generate, unlike
from negspace.engine import BatchesPerCore
from negspace.generate import Model
from negspace.models.files.source import find_folder
from negspace.request import Request


def rate_served(served: Served, rounds: int) -> float:
    """Pictures a second of 16 clients, each of which asks for the next of all requests as soon as it has its
    picture, from the first request to the last picture."""
    requests = [one | {"seed": one["seed"] + 100 * round} for round in range(rounds) for one in unlike()]
    next_ones = iter(requests)

    async def client(own: httpx.AsyncClient) -> None:
        for request in next_ones:
            await generate(own, request)

    async def all_of_them() -> None:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=served.url, timeout=600, limits=limits) as own:
            await asyncio.gather(*(client(own) for _ in range(BATCH)))

    return per_second(lambda: asyncio.run(all_of_them()), len(requests))


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
    """Pictures a second of 16 like ones in one batch of our engine, with as much work as 16 unlike ones."""
    several = unlike()
    mean = statistics.mean(one["steps"] for one in several)
    steps = round(mean)
    request = Request.from_dict({**several[0], "steps": steps, "n": BATCH, "seed": 0})
    return per_second(lambda: model.run(model.plan(request)).result(), BATCH) * steps / mean


def per_second(task: Callable[[], object], pictures: int) -> float:
    began = time.perf_counter()
    task()
    return pictures / (time.perf_counter() - began)


def pipeline(dtype: torch.dtype) -> Any:
    """Diffusers' own pipeline over the embedded folder. Without a dtype its text encoder would have that of
    the file, its UNet float32, and the first picture would fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = StableDiffusionPipeline.from_pretrained(
            find_folder("embedded").path, safety_checker=None, torch_dtype=dtype
        )
    made.set_progress_bar_config(disable=True)
    if dtype is torch.bfloat16:
        made.unet.to(memory_format=torch.channels_last)
        made.vae.to(memory_format=torch.channels_last)
    return made


async def latencies(served: Served, a_second: float, pictures: int, seed: int) -> list[float]:
    """Latencies of pictures that are asked for at random moments, so many a second."""
    chance, several = random.Random(seed), unlike()
    async with httpx.AsyncClient(base_url=served.url, timeout=600) as client:
        tasks: list[asyncio.Task[float]] = []
        for number in range(pictures):
            tasks.append(asyncio.create_task(generate(client, several[number % BATCH])))
            await asyncio.sleep(chance.expovariate(a_second))
        return list(await asyncio.gather(*tasks))


async def unloaded(served: Served) -> list[float]:
    """Latencies of one picture after the other."""
    async with httpx.AsyncClient(base_url=served.url, timeout=600) as client:
        return [await generate(client, request) for request in unlike()]


def interval(values: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """The bootstrap's 95 % for the median."""
    chance = random.Random(7)
    medians = sorted(statistics.median(chance.choices(values, k=len(values))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws)]


def report(name: str, values: Sequence[float], limit: float) -> None:
    low, high = interval(values)
    print(
        f"{name:<52} {statistics.median(values):6.2f} [{low:.2f}, {high:.2f}]   asked {limit:g}", flush=True
    )


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(0.95 * (len(values) - 1))]


def throughput(served: Served, repeats: int, rounds: int) -> None:
    """The four arms and their ratios."""
    model = negspace.load("embedded", batching=BatchesPerCore(32))
    plain, narrow = pipeline(torch.float32), pipeline(torch.bfloat16)
    arms: dict[str, Callable[[], float]] = {
        "served": lambda: rate_served(served, rounds),
        "loop": lambda: rate_looped(plain),
        "loop, bfloat16": lambda: rate_looped(narrow),
        "one batch": lambda: rate_alike(model),
    }
    for arm in arms.values():
        arm()  # warms up
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for repeat in range(repeats):
        for name in sorted(arms, reverse=repeat % 2 == 1):
            rates[name].append(arms[name]())
    for name, values in rates.items():
        low, high = interval(values)
        print(f"{name:<20} {statistics.median(values):6.2f} [{low:.2f}, {high:.2f}] pictures a second")
    for name, limit in (("loop", 3.0), ("loop, bfloat16", 1.5), ("one batch", 0.9)):
        ratios = [ours / theirs for ours, theirs in zip(rates["served"], rates[name], strict=True)]
        report(f"served / {name}", ratios, limit)


def latency(served: Served, repeats: int, rounds: int, pictures: int) -> None:
    """p95 at half of the most load, in p95 of one picture after the other."""
    rate_served(served, 1)
    ratios: list[float] = []
    for repeat in range(repeats):
        most = rate_served(served, rounds)
        alone = asyncio.run(unloaded(served))
        half = asyncio.run(latencies(served, most / 2, pictures, repeat))
        ratios.append(p95(half) / p95(alone))
        print(
            f"  most {most:.2f}/s; alone: median {statistics.median(alone):.2f} s, p95 {p95(alone):.2f} s; "
            f"half load: median {statistics.median(half):.2f} s, p95 {p95(half):.2f} s",
            flush=True,
        )
    report("p95 latency at half load / unloaded", ratios, 2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--rounds", type=int, default=6, help="times that each of the 16 is asked for in a repeat"
    )
    parser.add_argument("--pictures", type=int, default=100, help="asked for at half load in a repeat")
    parser.add_argument("--only", choices=("throughput", "latency"), nargs="*")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{given.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        served = Served(Path(folder) / "data", given.threads, waiting=512, share=1.0)
        try:
            if "throughput" in (given.only or ["throughput"]):
                throughput(served, given.repeats, given.rounds)
            if "latency" in (given.only or ["latency"]):
                latency(served, given.repeats, given.rounds, given.pictures)
        finally:
            served.close()


if __name__ == "__main__":
    main()
