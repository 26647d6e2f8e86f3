"""What is told in numbers, and kinds of a family that its tiny checkpoint is not: equal to diffusers too."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.errors import RequestError
from negspace.models.files.source import find_folder
from negspace.request import Request, Sizes
from tests.families.conftest import Place
from tests.families.test_laws import LARGEST, opened, ours, theirs
from tests.families.tiny import STEPS, TINY, Tiny, flux, sd2, sd3

OURS: dict[str, Any] = {"original": (128, 96), "crop": (8, 24), "target": (64, 64)}
OTHER: dict[str, Any] = {"original": (32, 16), "crop": (0, 4), "target": (48, 64)}


def told(prefix: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """Sizes as the pipeline of diffusers takes them, (height, width) each."""
    return {
        f"{prefix}original_size": sizes["original"][::-1],
        f"{prefix}crops_coords_top_left": sizes["crop"][::-1],
        f"{prefix}target_size": sizes["target"][::-1],
    }


def test_sizes_are_told_as_diffusers_tells_them(place: Place) -> None:
    folder = place("sdxl")
    plain = ours(folder, "blurry").latents
    made = ours(folder, "blurry", sizes=Sizes(**OURS)).latents
    assert (made - theirs("sdxl", folder, "blurry", **told("", OURS))).abs().max() < LARGEST
    both: dict[str, Any] = {"sizes": Sizes(**OURS), "negative_sizes": Sizes(**OTHER)}
    apart = ours(folder, "blurry", **both).latents
    other = theirs("sdxl", folder, "blurry", **told("", OURS), **told("negative_", OTHER))
    assert (apart - other).abs().max() < LARGEST
    assert not torch.equal(plain, made) and not torch.equal(made, apart)


def test_guidance_is_told_as_diffusers_tells_it(place: Place) -> None:
    folder = place("flux")
    for guidance in (1.0, 7.0):
        made = ours(folder, None, guidance=guidance).latents
        assert (made - theirs("flux", folder, None, guidance_scale=guidance)).abs().max() < LARGEST
    assert torch.equal(ours(folder, None).latents, ours(folder, None, guidance=3.5).latents)
    assert not torch.equal(ours(folder, None).latents, ours(folder, None, guidance=7.0).latents)


def test_numbers_of_one_picture_are_not_those_of_another(place: Place) -> None:
    asked = [
        Request(prompt="a cat", seed=1, guidance=guidance, rule="cfg", scale=2.0, avoid="hat")
        for guidance in (1.0, 7.0)
    ]
    model = opened(place("flux"))
    for together, request in zip(model.generate_all(asked), asked, strict=True):
        assert torch.equal(together.latents, model.run(model.plan(request)).result().latents)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"guidance": 3.0}, "takes no guidance number; set its scale instead"),
        ({"sizes": {"crop": (1, 1)}}, "takes no sizes"),
        ({"negative_sizes": {}}, "takes no sizes"),
    ],
)
def test_numbers_that_nothing_reads_are_refused(place: Place, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        opened(place("sd")).generate("a cat", **fields)


def saved(family: str, make: Any, folder: Path) -> Path:
    known = TINY[family]
    Tiny(make, known.own, known.told, known.packed, known.more).save(folder)
    return folder


def equal(family: str, folder: Path) -> negspace.Result:
    """Ours, after it was found equal to diffusers' without a negative and with one."""
    for negative in (None, "blurry"):
        made = ours(folder, negative)
        assert (made.latents - theirs(family, folder, negative)).abs().max() < LARGEST
    return made


def test_stable_diffusion_2_predicts_v(tmp_path: Path) -> None:
    folder = saved("sd", sd2, tmp_path / "sd2")
    assert opened(folder).facts.prediction == "v_prediction"
    equal("sd", folder)


def test_sd3_works_without_t5(tmp_path: Path) -> None:
    def make() -> Any:
        pipeline = sd3()
        pipeline.register_modules(text_encoder_3=None, tokenizer_3=None)
        return pipeline

    made = equal("sd3", saved("sd3", make, tmp_path / "small"))
    assert made.receipt.evaluations == {"positive": STEPS, "negative": STEPS}


def test_sd35_shifts_its_schedule_by_the_size_of_the_picture(tmp_path: Path) -> None:
    folder = saved("sd3", sd3, tmp_path / "shifting")
    file = folder / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"use_dynamic_shifting": True}))
    equal("sd3", folder)


def test_schnell_is_told_no_guidance(tmp_path: Path) -> None:
    folder = saved("flux", lambda: flux(guided=False), tmp_path / "schnell")
    assert opened(folder).facts.guidance is None
    equal("flux", folder)


def test_an_index_may_say_that_nothing_is_the_empty_prompt(place: Place, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(place("sdxl"), tmp_path / "sdxl"))
    index = copy / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"force_zeros_for_empty_prompt": False}))
    assert opened(copy).facts.absent == "empty"
    equal("sdxl", copy)


def test_a_refiner_is_refused(place: Place, tmp_path: Path) -> None:
    import shutil

    copy = Path(shutil.copytree(place("sdxl"), tmp_path / "refiner"))
    index = copy / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"requires_aesthetics_score": True}))
    with pytest.raises(negspace.ModelError, match="is a refiner"):
        negspace.load(find_folder(copy).path)
