"""CLIP and SigLIP folders as judges, the embedded one among them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer, SiglipConfig, SiglipModel

from negspace.errors import JudgeError
from negspace.judge import Calibration, embedded_judge, open_judge
from negspace.judge.judges.embedded import CALIBRATIONS
from negspace.judge.judges.zero_shot import CALIBRATION_FILE, ZeroShot
from training.world import Scene, render, sample

CLIP = Path(__file__).parents[2] / "src" / "negspace" / "embedded" / "clip"
SCENES = [sample(Random(500_000_000 + i)) for i in range(60)]
PICTURES = [render(scene) for scene in SCENES]


@pytest.fixture(scope="module")
def clip() -> ZeroShot:
    return ZeroShot(CLIP)


def test_scores_are_log_odds_of_the_pair_as_the_model_itself_has_them(clip: ZeroShot) -> None:
    """Against the forward pass of transformers: with one prompt a side, logits' difference."""
    cut = clip.default_detector("hat").model_copy(update={"present": ("a house",), "absent": ("a cat",)})
    model = CLIPModel.from_pretrained(CLIP, dtype=torch.float32).eval()
    ids = CLIPTokenizer.from_pretrained(CLIP)(["a house", "a cat"], padding=True, return_tensors="pt")
    pixels = torch.stack([clip._preprocessing.pixels(one) for one in PICTURES[:5]])
    with torch.inference_mode():
        logits = model(**ids, pixel_values=pixels).logits_per_image
    known = (logits[:, 0] - logits[:, 1]).tolist()
    assert clip.scores(clip.observe(PICTURES[:5]), "hat", cut).tolist() == pytest.approx(known, abs=1e-3)


def test_uncalibrated_it_tells_plain_subjects_and_says_that_it_is_not(clip: ZeroShot) -> None:
    bare = {"accessory": None, "style": None, "defects": (), "fingers": 0}
    plain = [replace(one, subject=name, **bare) for one in SCENES[:4] for name in ("house", "boat")]
    house = clip.default_detector("house").model_copy(update={"present": ("a house",), "absent": ("a boat",)})
    scores = clip.scores(clip.observe([render(scene) for scene in plain]), "house", house)
    assert [score > 0 for score in scores] == [scene.subject == "house" for scene in plain]
    ((sight,),) = clip.look(PICTURES[:1], ["teapot"])
    assert not sight.calibrated and sight.unit == "log odds" and "not calibrated" in str(sight)


def test_views_are_observed_behind_the_whole_and_a_shorter_direction_reads_the_whole_alone(
    clip: ZeroShot,
) -> None:
    corner = (0.5, 0.0, 1.0, 0.5)
    plain = Calibration(judge="zero_shot", made_for=clip.weights())
    looking = ZeroShot(CLIP, plain.model_copy(update={"views": (corner,)}))
    whole, seen = clip.observe(PICTURES[:4]), looking.observe(PICTURES[:4])
    parts = clip.features([one.crop((32, 0, 64, 32)) for one in PICTURES[:4]])
    assert np.allclose(seen, np.concatenate([whole, parts], axis=1))
    blank = clip.default_detector("hat")
    assert np.allclose(looking.scores(seen, "hat", blank), clip.scores(whole, "hat", blank))
    taught = looking.calibrate("dark", blank, looking.observe(PICTURES[:30]), looking.observe(PICTURES[30:]))
    assert len(taught.direction) == seen.shape[1]


def test_examples_teach_it_what_words_do_not(clip: ZeroShot) -> None:
    """Pictures mirrored upside down, of which no caption speaks."""
    upright = clip.observe(PICTURES)
    turned = clip.observe([one.transpose(Image.Transpose.FLIP_TOP_BOTTOM) for one in PICTURES])
    blank = clip.default_detector("upside down")
    cut = clip.calibrate("upside down", blank, turned, upright)
    assert cut.distinguishes and cut.direction and cut.caught is not None and cut.caught.count == 15
    own = Calibration(judge="zero_shot", made_for=clip.weights()).with_concept("upside down", cut)
    seen = ZeroShot(CLIP, own).look([PICTURES[0].transpose(Image.Transpose.FLIP_TOP_BOTTOM)], ["Upside Down"])
    assert seen[0][0].verdict == "seen" and seen[0][0].calibrated


def test_siglip_scores_are_logits_of_its_own(tmp_path: Path) -> None:
    """A tiny one with random weights: the mean over its prompts of the logits of transformers."""
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**shape, "vocab_size": 900, "max_position_embeddings": 77, "projection_size": 32}
    config = SiglipConfig(text_config=text, vision_config={**shape, "image_size": 64, "patch_size": 16})
    torch.manual_seed(0)
    model = SiglipModel(config).eval()
    model.logit_scale.data.fill_(1.5)
    model.logit_bias.data.fill_(-0.7)
    model.save_pretrained(tmp_path)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(CLIP / file, tmp_path)
    judge = ZeroShot(tmp_path)
    cut = judge.default_detector("hat")
    ids = judge._tokenizer(list(cut.present), padding="max_length", truncation=True, return_tensors="pt")
    pixels = torch.stack([judge._preprocessing.pixels(one) for one in PICTURES[:3]])
    with torch.inference_mode():
        logits = model(input_ids=ids["input_ids"], pixel_values=pixels).logits_per_image.mean(1)
    assert judge.scores(judge.observe(PICTURES[:3]), "hat", cut).tolist() == pytest.approx(
        logits.tolist(), abs=1e-4
    )


def test_a_folder_says_how_pictures_are_scaled_and_brings_its_calibration(
    tmp_path: Path, clip: ZeroShot
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(CLIP, folder)
    told = {
        "image_mean": [0.1, 0.2, 0.3],
        "image_std": [0.5, 0.25, 1.0],
        "do_center_crop": True,
        "resample": 2,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    wide = Image.new("RGB", (300, 100), (255, 0, 0))
    pixels = ZeroShot(folder)._preprocessing.pixels(wide)
    assert pixels.shape == (3, 64, 64)
    assert pixels[:, 0, 0].tolist() == pytest.approx([1.8, -0.8, -0.3], abs=1e-5)
    cut = clip.default_detector("hat").model_copy(update={"threshold": 2.5})
    Calibration(judge="zero_shot", made_for=ZeroShot(folder).weights()).with_concept("hat", cut).write(
        folder / CALIBRATION_FILE
    )
    ((sight,),) = open_judge(str(folder)).look([wide], ["hat"])
    assert (sight.judge, sight.threshold) == ("mine", 2.5)


def test_what_is_no_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="no config.json"):
        ZeroShot(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(JudgeError, match="'bert'"):
        ZeroShot(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(JudgeError, match="cannot be opened"):
        ZeroShot(tmp_path)


# The embedded judge


def test_the_shipped_calibrations_fit_the_shipped_weights() -> None:
    """If this fails, weights were replaced: run `python -m training.judge`."""
    judge = embedded_judge()
    assert {"hat", "house", "blurry", "night"} <= set(judge.concepts())
    for name in ("clip", "quality"):
        calibration = Calibration.read(CALIBRATIONS / f"{name}.json")
        assert calibration.only and all(cut.distinguishes for cut in calibration.concepts.values())


def test_the_embedded_judge_sees_its_world_and_knows_no_more() -> None:
    judge = embedded_judge()
    asked = [name for name in judge.concepts() if name in ("beach", "city", "meadow", "mountains", "night")]
    seen = judge.look(PICTURES, asked)

    def truth(scene: Scene) -> list[bool]:
        return [scene.has(name) for name in asked]

    told = [[sight.verdict == "seen" for sight in sights] for sights in seen]
    right = [
        a == b
        for scene, row in zip(SCENES, told, strict=True)
        for a, b in zip(truth(scene), row, strict=True)
    ]
    assert len(asked) == 5 and sum(right) / len(right) > 0.93
    assert not judge.knows("blood") and judge.knows("Top Hats") and judge.knows("out of focus")


def test_the_embedded_judge_sees_larger_pictures_as_it_was_calibrated() -> None:
    judge = embedded_judge()
    asked = [name for name in judge.concepts() if name in ("jpeg artifacts", "noise", "blurry", "night")]
    small = PICTURES[:8]
    large = [picture.resize((128, 128), Image.Resampling.NEAREST) for picture in small]
    assert judge.look(large, asked) == judge.look(small, asked) and asked
