"""Photographs that come inside packages, and crops of them.

They are read as files, so nothing but the package's folder is needed: scikit-image and scikit-learn (the
extra `bench`) and matplotlib. Thresholds were set on `CALIBRATING`; figures are of `EVALUATING` alone.
"""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps

SIDE: Final = 512
"""Of every crop, in pixels."""

CALIBRATING: Final = ("china", "chelsea", "camera", "gravel", "moon", "ihc", "cell", "color")
EVALUATING: Final = ("flower", "coffee", "rocket", "brick", "grass", "hubble_deep_field", "retina")
"""Photographs without any lettering, in two halves of the same kinds: outdoors, animals and things, textures,
science."""

PEOPLE: Final = ("astronaut", "grace_hopper", "camera")
"""Portraits, and a figure. The first two wear name tags."""

_FOLDERS: Final = (
    ("skimage", "data"),
    ("sklearn", "datasets/images"),
    ("matplotlib", "mpl-data/sample_data"),
)


def photo(name: str) -> Image.Image:
    """The photograph of a name, RGB.

    Raises:
        FileNotFoundError: its package is not installed.
    """
    for package, folder in _FOLDERS:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for file in (Path(spec.origin).parent / folder).glob(f"{name}.*"):
            return Image.open(file).convert("RGB")
    raise FileNotFoundError(f"no photograph {name}: pip install negspace[bench]")


def crops(names: Sequence[str], count: int, seed: int) -> Iterator[Image.Image]:
    """Crops of photographs in turn, 512x512, RGB: half to all of the shorter side, half of them mirrored."""
    random = np.random.default_rng(seed)
    photos = [photo(name) for name in names]
    for index in range(count):
        yield _crop(photos[index % len(photos)], random)


def _crop(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    edge = int(min(picture.size) * random.uniform(0.5, 1))
    left, top = (int(random.integers(0, side - edge + 1)) for side in picture.size)
    square = picture.crop((left, top, left + edge, top + edge)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return ImageOps.mirror(square) if random.random() < 0.5 else square
