"""What the training stages share: a timed loop that resumes, moving averages, devices."""

from __future__ import annotations

import copy
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import load_file
from torch import nn

from negspace.models.hardware import choose_placement
from training.settings import Settings

M = TypeVar("M", bound=nn.Module)


def device() -> torch.device:
    """The accelerator if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> torch.autocast:
    """bfloat16 where the device multiplies it in hardware; emulated, it is eight times as slow as float32."""
    fast = choose_placement().dtype == torch.bfloat16
    return torch.autocast(device().type, torch.bfloat16, enabled=fast)


def placed(module: M) -> M:
    """The module, moved to the training device."""
    nn.Module.to(module, device())
    return module


def channels_last(module: M) -> M:
    """The module on the training device, in the memory format that convolutions like best."""
    nn.Module.to(placed(module), memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    return module


def begun(module: M, settings: Settings, part: str) -> M:
    """The module, with the weights of that part of `settings.start` where there is one.

    Raises RuntimeError if the weights are of another shape.
    """
    if settings.start is not None:
        (file,) = (settings.start / part).glob("*.safetensors")
        module.load_state_dict({name: weights.float() for name, weights in load_file(file).items()})
    return module


class Average:
    """A moving average of weights: `decay` grows from 0 as (1 + n) / (10 + n)."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.decay = decay
        self.count = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Move towards the weights of `module`."""
        self.count += 1
        share = 1 - min(self.decay, (1 + self.count) / (10 + self.count))
        ours = list(self.module.parameters())
        theirs = list(module.parameters())
        torch._foreach_lerp_(ours, theirs, share)  # pyright: ignore


def train(
    name: str,
    state_dir: Path,
    module: nn.Module,
    step: Callable[[int], dict[str, torch.Tensor]],
    *,
    minutes: float,
    rate: float,
    batch: int,
    average: Average | None = None,
    seed: int = 0,
) -> None:
    """Run `step` (which returns {"loss": …, …}) for `minutes` of training time, AdamW, a warm-up and a
    cosine down to 1 % of `rate` by the share of time used. Resumes from `state_dir/name.pt`; prints
    progress; the time already spent counts."""
    file = state_dir / f"{name}.pt"
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    count, spent = 0, 0.0
    if file.exists():
        saved: dict[str, Any] = torch.load(file, map_location=device(), weights_only=True)
        module.load_state_dict(saved["module"])
        optimiser.load_state_dict(saved["optimiser"])
        if average is not None:
            average.module.load_state_dict(saved["average"])
            average.count = saved["average_count"]
        count, spent = saved["count"], saved["spent"]
        print(f"{name}: resuming after {count} steps, {spent / 60:.1f} minutes", flush=True)
    torch.manual_seed(seed * 1_000_003 + count)
    limit = minutes * 60
    shown = saved_at = last = time.monotonic()
    totals: dict[str, float] = {}
    seen = 0
    while spent < limit:
        share = spent / limit
        warm = min(1.0, (count + 1) / 200)
        for group in optimiser.param_groups:
            group["lr"] = rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
        losses = step(count)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        if average is not None:
            average.update(module)
        count += 1
        seen += 1
        for key, value in losses.items():
            totals[key] = totals.get(key, 0.0) + float(value.detach())
        now = time.monotonic()
        spent += now - last
        last = now
        if now - shown > 20 or spent >= limit:
            figures = "  ".join(f"{k} {v / seen:.4f}" for k, v in totals.items())
            pace = seen * batch / (now - shown)
            print(
                f"{name}: {100 * min(1.0, spent / limit):5.1f} %  step {count}  {pace:6.1f}/s  {figures}",
                flush=True,
            )
            totals, seen, shown = {}, 0, now
        if now - saved_at > 120 or spent >= limit:
            _save(file, module, optimiser, average, count, spent)
            saved_at = time.monotonic()
            last = saved_at
    sys.stdout.flush()


def _save(
    file: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    average: Average | None,
    count: int,
    spent: float,
) -> None:
    state: dict[str, Any] = {"module": module.state_dict(), "optimiser": optimiser.state_dict()}
    state |= {"count": count, "spent": spent}
    if average is not None:
        state |= {"average": average.module.state_dict(), "average_count": average.count}
    partial = file.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(file)
