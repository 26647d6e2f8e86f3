"""Ours against diffusers' pipeline: random weights in the shapes of SDXL and FLUX, pictures per minute.

    python -m bench.families [--repeats 3] [--minutes 1] [--families sdxl,flux] [--full]

Everything is in bfloat16. With `--full` the shapes are those of SDXL and FLUX.1 at 1024x1024, for a GPU of
80 GB. Without it they are reduced for a CPU, at 256x256: SDXL's UNet with all its blocks and layers, its
heads of 64, and a fifth of the channels (64, 128 and 256); FLUX's transformer with its heads of 128, three of
24, and 2 and 4 blocks of 19 and 38, beside its 512 tokens of text. Text encoders and
VAE are tiny in both. Four steps.

One request is one picture with a negative and two passes. Eight requests differ in prompt, negative, seed
and scale; diffusers makes them one after the other, as its pipeline has one scale a call. Expected: for one
request at least 1.0x. Each repeat measures eight requests once in both ways and one request four times, in
turning order; there are so many repeats as the minutes a shape allow, and at least those asked for. Of two
neighbours the ratio is taken; the interval is the bootstrap's 95 % for the median of the ratios.
"""

import argparse
import random
import statistics
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

import negspace
from negspace.engine import BatchesUpTo, draw
from negspace.generate import Model
from negspace.models.architecture.transformers import pack
from negspace.request import Request
from tests.families import tiny

MANY = 8
ONES = 4
"""How often one request is measured for each time of eight."""
STEPS = 4
ADJECTIVES = ("red", "blue", "green", "yellow", "big", "small", "a", "the")


@dataclass(frozen=True)
class Shape:
    """One model to be measured.

    Attributes:
        family: its name.
        make: the pipeline with random weights.
        size: pixels a side.
        scale: guidance.
    """

    family: str
    make: Callable[[], Any]
    size: int
    scale: float


def sdxl(full: bool) -> Any:
    """SDXL's UNet, or one of its kind with a fifth of the channels."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    pipeline = tiny.sdxl()
    channels = (320, 640, 1280) if full else (64, 128, 256)
    kind: Any = UNet2DConditionModel
    pipeline.register_modules(
        unet=kind(
            sample_size=128 if full else 32,
            block_out_channels=channels,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=tuple(width // 64 for width in channels),
            cross_attention_dim=72,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=24 + 6 * 8,
        )
    )
    return pipeline


def flux(full: bool) -> Any:
    """FLUX.1's transformer, or one of its kind with fewer and narrower blocks."""
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    pipeline = tiny.flux()
    kind: Any = FluxTransformer2DModel
    pipeline.register_modules(
        transformer=kind(
            in_channels=16,
            num_layers=19 if full else 2,
            num_single_layers=38 if full else 4,
            attention_head_dim=128,
            num_attention_heads=24 if full else 3,
            joint_attention_dim=96,
            pooled_projection_dim=32,
            guidance_embeds=True,
            axes_dims_rope=(16, 56, 56),
        )
    )
    return pipeline


def requests(shape: Shape, count: int) -> list[Request]:
    """Different prompts, negatives and seeds of one size."""
    return [
        Request(
            prompt=f"{ADJECTIVES[i]} cat, snow",
            avoid=f"hat, {ADJECTIVES[-i]} smoke",
            seed=i,
            steps=STEPS,
            scale=shape.scale + 0.25 * i,
            rule="cfg",
            routes=("true-cfg",),
            width=shape.size,
            height=shape.size,
        )
        for i in range(count)
    ]


def by_diffusers(pipeline: Any, shape: Shape, model: Model, request: Request) -> None:
    """One request through the pipeline of diffusers, as its users make it."""
    latents = draw(request.seed, model.network().latent_shape(shape.size, shape.size))[None]
    told = {"true_cfg_scale" if shape.family == "flux" else "guidance_scale": request.scale}
    network = model.network()
    pipeline(
        request.prompt,
        negative_prompt=str(request.avoid),
        num_inference_steps=STEPS,
        latents=(pack(latents) if shape.family == "flux" else latents).to(network.device, network.dtype),
        width=shape.size,
        height=shape.size,
        **told,
    )


def measure(shape: Shape, repeats: int, minutes: float) -> dict[str, list[float]]:
    """Seconds of each arm, in the order in which they were measured."""
    with tempfile.TemporaryDirectory() as place:
        return timed(shape, repeats, minutes, Path(place) / shape.family)


def timed(shape: Shape, repeats: int, minutes: float, folder: Path) -> dict[str, list[float]]:
    """The same with the model's files in this folder, which receipts read once."""
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape.make().save_pretrained(folder)
        model = negspace.load(folder, dtype="bfloat16", batching=BatchesUpTo(2 * MANY))
        network = model.network()
        kind: Any = DiffusionPipeline
        pipeline = kind.from_pretrained(folder, dtype=network.dtype).to(network.device)
    pipeline.set_progress_bar_config(disable=True)
    one, many = requests(shape, 1), requests(shape, MANY)
    arms: dict[str, Callable[[], object]] = {
        "ours, one": lambda: model.generate_all(one),
        "diffusers, one": lambda: by_diffusers(pipeline, shape, model, one[0]),
        "ours, eight": lambda: model.generate_all(many),
        "diffusers, eight": lambda: [by_diffusers(pipeline, shape, model, each) for each in many],
    }
    taken: dict[str, list[float]] = {name: [] for name in arms}
    for arm in arms.values():  # to warm up
        arm()
    ends = perf_counter() + 60 * minutes
    while len(taken["ours, eight"]) < repeats or perf_counter() < ends:
        turn = 1 if len(taken["ours, eight"]) % 2 else -1
        pairs = [("ours, one", "diffusers, one")[:: turn * (-1) ** i] for i in range(ONES)]
        for name in (*chain(*pairs), *("ours, eight", "diffusers, eight")[::turn]):
            if network.device.type == "cuda":
                torch.cuda.synchronize()
            began = perf_counter()
            arms[name]()
            if network.device.type == "cuda":
                torch.cuda.synchronize()
            taken[name].append(perf_counter() - began)
    return taken


def interval(ratios: list[float], draws: int = 2000) -> tuple[float, float]:
    """95 % for the median, by bootstrap."""
    generator = random.Random(0)
    medians = sorted(statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(draws))
    return medians[int(0.025 * draws)], medians[int(0.975 * draws) - 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=1.0, help="for each shape")
    parser.add_argument("--families", default="sdxl,flux")
    parser.add_argument("--full", action="store_true", help="the real shapes, for a GPU")
    options = parser.parse_args()
    size = 1024 if options.full else 256
    shapes = (
        Shape("sdxl", lambda: sdxl(options.full), size, 5.0),
        Shape("flux", lambda: flux(options.full), size, 2.0),
    )
    for shape in shapes:
        if shape.family not in options.families.split(","):
            continue
        taken = measure(shape, options.repeats, options.minutes)
        for count, word in ((1, "one"), (MANY, "eight")):
            ours, theirs = taken[f"ours, {word}"], taken[f"diffusers, {word}"]
            ratios = [other / own for own, other in zip(ours, theirs, strict=True)]
            low, high = interval(ratios)
            print(
                f"{shape.family} {shape.size}x{shape.size}, {word}: ours "
                f"{60 * count / statistics.median(ours):.1f} pictures/min, diffusers "
                f"{60 * count / statistics.median(theirs):.1f}; {statistics.median(ratios):.2f}x "
                f"[{low:.2f}, {high:.2f}] of {len(ratios)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
