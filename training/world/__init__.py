"""The drawn world: captioned scenes with full ground truth."""

from training.world.captions import caption
from training.world.render import render
from training.world.scene import Scene, sample

__all__ = ["Scene", "caption", "render", "sample"]
