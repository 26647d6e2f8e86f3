"""Negatives learned from pictures, on the embedded model's own CLIP."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import torch

from negspace.encoding import load_embeddings
from negspace.errors import JudgeError
from negspace.judge import Quality
from negspace.judge.judges.embedded import embedded_clip
from negspace.judge.judges.zero_shot import ZeroShot
from negspace.judge.learning import learn_negative
from tests.cli.conftest import Cli, cli
from training.world import render, sample

__all__ = ["cli"]

SCENES = [replace(sample(Random(400_000_000 + i)), defects=(), style=None) for i in range(12)]
NIGHT = [render(replace(one, night=True)) for one in SCENES]
DAY = [render(replace(one, night=False)) for one in SCENES]


@pytest.fixture(scope="module")
def clip() -> ZeroShot:
    judge = embedded_clip()
    assert isinstance(judge, ZeroShot)
    return judge


def test_what_is_learned_parts_the_pictures_and_is_what_the_word_says(clip: ZeroShot, tmp_path: Path) -> None:
    """From nights against days: nearer to the text "night" than to any other word."""
    found = learn_negative(clip, NIGHT, DAY, steps=120)
    assert found.separated > 0.9 and found.loss < 0.4 and found.vectors.shape[0] == 2
    found.write(tmp_path / "dim.safetensors")
    (read,) = load_embeddings([str(tmp_path / "dim.safetensors")])
    assert (read.name, read.facts.vectors) == ("dim", 2)
    from negspace.judge.learning import _text_features

    said = _text_features(clip.clip(), found.vectors).double().numpy()
    words = ("night", "day", "beach", "city", "cat", "hat", "snow", "blurry")
    likes = dict(zip(words, (clip._encode_texts(words) @ said).tolist(), strict=True))
    assert max(likes, key=likes.__getitem__) == "night", likes


def test_the_same_seed_learns_the_same(clip: ZeroShot) -> None:
    one, two, other = (learn_negative(clip, NIGHT, DAY, steps=3, seed=seed).vectors for seed in (1, 1, 2))
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_too_few_pictures_are_refused(clip: ZeroShot) -> None:
    with pytest.raises(JudgeError, match="7 liked pictures are too few"):
        learn_negative(clip, NIGHT, DAY[:7])


def test_the_command(cli: Cli, tmp_path: Path) -> None:
    for name, pictures in (("bad", NIGHT), ("good", DAY)):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            picture.save(tmp_path / name / f"{number}.png")
    asked = ("judge", "learn", "--disliked", tmp_path / "bad", "--liked", tmp_path / "good")
    told = cli(*asked, "--out", tmp_path / "dim.safetensors", "--vectors", 1, "--json")
    assert told.code == 0 and told.json["word"] == "dim" and told.json["parted"] > 0.8
    assert "must end in .safetensors" in cli(*asked, "--out", tmp_path / "dim.pt").err
    wrong = cli(*asked, "--out", tmp_path / "a.safetensors", "--judge", "quality")
    assert wrong.code == 2 and "reads no text" in wrong.err and Quality().name == "quality"
