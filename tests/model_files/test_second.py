"""Stable Diffusion 2 in one file: OpenCLIP's text encoder, and whether it predicts noise or v."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from negspace.errors import ModelError
from negspace.models.catalogue import read_facts
from negspace.models.files.headers import read_header
from negspace.models.files.source import Source, find_model
from negspace.models.files.training_hints import looks_like_v
from tests.families.tiny import Tiny, sd2
from tests.model_files.original import State, write_single
from tests.model_files.test_single import made


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Stable Diffusion 2, which predicts v."""
    folder = tmp_path_factory.mktemp("second") / "sd2"
    Tiny(sd2, {}).save(folder)
    return folder


@pytest.fixture
def base(second: Path, tmp_path: Path) -> Path:
    """The same, whose settings say that it predicts noise."""
    copy = Path(shutil.copytree(second, tmp_path / "base"))
    file = copy / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"prediction_type": "epsilon"}))
    return copy


def single(folder: Path, file: Path, *marks: str, **metadata: str) -> Path:
    """The folder as one file, with empty tensors of these names and this metadata."""
    more: State = {mark: torch.zeros(0) for mark in marks}
    write_single("sd2", folder, file, more, {f"modelspec.{key}": value for key, value in metadata.items()})
    return file


def test_a_file_in_the_original_layout_is_the_folder(second: Path, tmp_path: Path) -> None:
    file = single(second, tmp_path / "mine.safetensors")
    first, other = made(second), made(file, config=second)
    assert (first.latents - other.latents).abs().max() < 1e-4
    held = read_header(file).tensors
    assert "cond_stage_model.model.transformer.resblocks.3.ln_1.weight" in held  # the layer nobody reads
    assert "cond_stage_model.model.text_projection" in held


@pytest.mark.parametrize(
    ("marks", "metadata"),
    [
        (("v_pred",), {}),
        ((), {"prediction_type": "v"}),
        ((), {"predict_key": "v"}),
        ((), {"architecture": "stable-diffusion-v2-768-v"}),
    ],
)
def test_a_file_that_says_v_predicts_v_whatever_its_config_says(
    second: Path, base: Path, tmp_path: Path, marks: tuple[str, ...], metadata: dict[str, str]
) -> None:
    file = single(second, tmp_path / "mine.safetensors", *marks, **metadata)
    assert read_facts(base).prediction == "epsilon"
    assert read_facts(Source(file, config=base)).prediction == "v_prediction"
    right, wrong = made(second).latents, made(base).latents
    told = made(file, config=base).latents
    assert (right - told).abs().max() < 1e-4 < (wrong - told).abs().max()


def test_a_file_that_says_noise_predicts_noise(second: Path, tmp_path: Path) -> None:
    file = single(second, tmp_path / "mine.safetensors", prediction_type="epsilon")
    assert read_facts(Source(file, config=second)).prediction == "epsilon"
    assert (
        read_facts(Source(single(second, tmp_path / "other.safetensors"), second)).prediction
        == "v_prediction"
    )


def test_zero_signal_at_the_end_of_noise_is_a_mark_too(second: Path, base: Path, tmp_path: Path) -> None:
    file = single(second, tmp_path / "mine.safetensors", "v_pred", "ztsnr")
    assert find_model(Source(file, config=base)).scheduler["rescale_betas_zero_snr"] is True
    plain, zero = made(second).latents, made(file, config=base).latents
    assert bool(zero.isfinite().all()) and not torch.allclose(plain, zero)


def test_a_mark_of_another_kind_of_training_is_refused(second: Path, tmp_path: Path) -> None:
    file = single(second, tmp_path / "mine.safetensors", "edm_mean")
    with pytest.raises(ModelError, match=r"mine\.safetensors.*EDM"):
        read_facts(Source(file, config=second))


def test_without_a_config_the_file_chooses_its_home(
    second: Path, base: Path, tmp_path: Path, offline: Path
) -> None:
    for name, folder in (("2-1", second), ("2-1-base", base)):
        repository = offline / f"models--stabilityai--stable-diffusion-{name}"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0" * 40)
        shutil.copytree(folder, repository / "snapshots" / ("0" * 40))
    for told, prediction in (("v", "v_prediction"), ("epsilon", "epsilon")):
        file = single(second, tmp_path / f"{told}.safetensors", prediction_type=told)
        assert find_model(Source(file)).index and read_facts(file).prediction == prediction
        wanted: Any = "2-1" if told == "v" else "2-1-base"
        assert find_model(Source(file)).path.parents[1].name.endswith(wanted)


@pytest.mark.parametrize(("spread", "v"), [(0.05, False), (0.2, True)])
def test_weights_that_say_nothing_are_looked_at(tmp_path: Path, spread: float, v: bool) -> None:
    from safetensors.torch import save_file

    name = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
    save_file({name: torch.tensor([spread, -spread] * 8)}, tmp_path / "mine.safetensors")
    file = tmp_path / "mine.safetensors"
    assert looks_like_v(file, read_header(file).tensors) is v
