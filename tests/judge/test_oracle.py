"""The shipped oracle reads the drawn world."""

from collections import defaultdict
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from negspace.errors import ModelError
from negspace.judge import Oracle
from training import oracle as training
from training.world import render, sample

ORACLE = Oracle.load()
SCENES = [sample(Random(900_000_000 + i)) for i in range(1500)]


def test_every_attribute_is_read_right_on_fresh_renders() -> None:
    """At least 0.97 on 1,500 scenes; `training/README.md` has the exact figures on 4,000."""
    readings = ORACLE.read([render(scene) for scene in SCENES])
    right: dict[str, list[bool]] = defaultdict(list)
    for scene, reading in zip(SCENES, readings, strict=True):
        for head, answer in zip(training.heads(), training.truth(scene), strict=True):
            if answer >= 0:
                right[head.name].append(reading.best(head.name) == head.options[answer])
    shares = {name: sum(hits) / len(hits) for name, hits in right.items()}
    assert min(shares.values()) >= 0.97, shares


def test_probabilities_of_a_head_sum_to_one() -> None:
    for reading in ORACLE.read([render(scene) for scene in SCENES[:8]]):
        for options in reading.probabilities.values():
            assert sum(options.values()) == pytest.approx(1.0, abs=1e-5)


def test_a_reading_speaks_of_concepts() -> None:
    scene = next(s for s in SCENES if s.accessory == "hat" and not s.defects and s.style is None)
    (reading,) = ORACLE.read([render(scene)])
    assert reading.has("snowman") and reading.has("hat") and reading.has(scene.colour)
    assert not reading.has("house") and not reading.has("blurry")
    assert reading.probability("hat") > 0.5 > reading.probability("watermark")
    with pytest.raises(KeyError):
        reading.has("teapot")


def test_a_picture_is_read_the_same_alone_and_in_company() -> None:
    pictures = [render(scene) for scene in SCENES[:5]]
    alone = ORACLE.read(pictures[:1])[0]
    together = ORACLE.read(pictures)[0]
    for head, options in alone.probabilities.items():
        for option, share in options.items():
            assert together.probabilities[head][option] == pytest.approx(share, abs=1e-4)


def test_pictures_of_another_size_are_read_too() -> None:
    big = render(SCENES[0], 128)
    assert ORACLE.read([big])[0].best("subject") == SCENES[0].subject
    assert ORACLE.features([big, Image.new("RGB", (10, 10))]).shape[0] == 2


def test_a_folder_without_an_oracle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no oracle"):
        Oracle.load(tmp_path)
