"""Scenes as arrays: rendered once, kept in the state folder, drawn at random by the stages."""

from __future__ import annotations

import multiprocessing
import os
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import torch

from training.settings import World
from training.world import Scene, render, sample

_CHUNK = 1000


def scene(world: World, index: int) -> Scene:
    """Scene number `index`; those from `world.scenes` on are held out."""
    return sample(Random(world.seed * 10_000_019 + index))


def scenes(world: World, held_out: bool = False) -> list[Scene]:
    """All scenes to train on, or all held-out ones."""
    first, count = (world.scenes, world.held_out) if held_out else (0, world.scenes)
    return [scene(world, first + i) for i in range(count)]


def _render(world: World, first: int) -> np.ndarray:
    return np.stack([np.asarray(render(scene(world, first + i), world.side)) for i in range(_CHUNK)])


def pictures(world: World, state_dir: Path, held_out: bool = False) -> np.ndarray:
    """The pictures of `scenes`, uint8 [n, side, side, 3], rendered on first use by all cores."""
    first, count = (world.scenes, world.held_out) if held_out else (0, world.scenes)
    file = state_dir / f"pictures-{world.seed}-{world.side}-{first}-{count}.npy"
    if not file.exists():
        starts = range(first, first + count, _CHUNK)
        with multiprocessing.Pool(os.cpu_count()) as pool:
            parts = pool.map(partial(_render, world), starts, chunksize=1)
        temporary = file.with_suffix(".partial.npy")
        np.save(temporary, np.concatenate(parts))
        temporary.replace(file)
        print(f"rendered {count} scenes: {file.name}", flush=True)
    return np.load(file, mmap_mode="r")


def tensor(batch: np.ndarray) -> torch.Tensor:
    """uint8 [n, h, w, 3] -> float [n, 3, h, w] in -1…1, channels last."""
    return torch.from_numpy(np.array(batch)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
