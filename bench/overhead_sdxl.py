"""What rules cost at the shapes of SDXL: `python -m bench.overhead_sdxl [--forwards 3] [--rules "cfg;apg"]`.

The time a rule takes for one step of a picture of 1024x1024 pixels (latents of [1, 4, 128, 128], float32),
over that of one forward of SDXL's denoiser with the two rows that plain guidance needs: the published shape,
2.6 thousand million random weights, bfloat16. Rules that act inside the network are not among these; what
their changes cost is in `bench.overhead`. Medians with the bootstrap's 95 % interval; at most 0.01 is asked
for. Needs 6 GB of memory and, on 2 cores, some minutes.
"""

import argparse
import sys
from time import perf_counter
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from bench.overhead import Clock, Timed, interval
from negspace.guidance import RULES, Branch, Rule, Step, make

LIMIT = 0.01
SHAPE = (1, 4, 128, 128)
STEPS = 20
TWO = {"negative:0": 1.0, "negative:1": 1.0}

UNHELD = frozenset({"autoguidance", "traced"})
"""The first needs a second network, the second is cfg with its steps recorded."""


def denoiser() -> UNet2DConditionModel:
    """SDXL's base denoiser with random weights."""
    layers: Any = (1, 2, 10)
    heads: Any = (5, 10, 20)
    with torch.device("meta"):
        model = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=layers,
            attention_head_dim=heads,
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(dtype=torch.bfloat16)  # pyright: ignore[reportCallIssue]
    model = model.to_empty(device=device).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(std=0.02)
    return model


@torch.inference_mode()
def forwards(model: UNet2DConditionModel, count: int) -> list[float]:
    """Seconds of each of so many forwards of two rows, after one that is not counted."""
    kind = {"device": model.device, "dtype": model.dtype}
    conditioning = torch.randn(2, 77, 2048, **kind)
    added = {"text_embeds": torch.randn(2, 1280, **kind), "time_ids": torch.zeros(2, 6, **kind)}
    x, clock = torch.randn(2, *SHAPE[1:], **kind), Clock()
    taken: list[float] = []
    for _ in range(count + 1):
        clock.spent.clear()
        clock.time("forward", lambda: model(x, 500, conditioning, added_cond_kwargs=added).sample)
        taken.append(clock.spent["forward"])
    return taken[1:]


@torch.inference_mode()
def steps(rule: Rule[Any], device: torch.device) -> list[float]:
    """Seconds that a rule itself takes in each step but the first two."""
    clock = Clock()
    timed, state, taken = Timed(rule, clock), rule.init(), list[float]()
    answers: dict[Branch, Tensor] = {}
    for index in range(STEPS):
        a = ((index + 1) / (STEPS + 1)) ** 0.5
        s = (1 - a * a) ** 0.5
        x = torch.randn(SHAPE, device=device)
        step = Step(index, STEPS, s / a, x, a, s, TWO, (min(1.0, a * 1.02), s * 0.9))
        clock.spent.clear()
        branches = timed.branches(step, state)
        for branch in branches:
            answers.setdefault(branch, torch.randn(SHAPE, device=device))
        predictions = {branch.name: answers[branch] for branch in branches}
        _, state = timed.combine(predictions, step, state)
        taken.append(clock.spent["rule"])
    return taken[2:]


def main() -> int:
    """Print the table; 1 where a rule takes more than LIMIT."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", help="texts with ; between them; all that need no second model")
    parser.add_argument("--forwards", type=int, default=3)
    options = parser.parse_args()
    began = perf_counter()
    model = denoiser()
    taken = forwards(model, options.forwards)
    forward, low, high = interval(taken)
    print(f"a forward of two rows: {forward:.3f} s [{low:.3f}, {high:.3f}] on {model.device}")
    worst = 0.0
    for text in options.rules.split(";") if options.rules else sorted(set(RULES) - UNHELD):
        rule = make(text, scale=5.0)
        share = interval([seconds / forward for seconds in steps(rule, model.device)])
        print(f"{text:<16} " + "{:.6f} [{:.6f}, {:.6f}]".format(*share))
        worst = max(worst, share[0])
    print(f"largest share of a rule: {worst:.6f}, at most {LIMIT} asked; {perf_counter() - began:.0f} s")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
