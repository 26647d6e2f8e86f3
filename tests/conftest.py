"""Shared fixtures: a tiny Stable Diffusion folder with random weights, made from the real classes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import negspace

EMBEDDED = Path(negspace.__file__).parent / "embedded"
SD_FOLDERS = ["tiny_sd", "tiny_sd_v", *(["embedded"] if (EMBEDDED / "model_index.json").exists() else [])]
WORDS = (
    "a an the of in on with and red blue green yellow house tree cat boat hat snow night forest beach "
    "blurry watermark text smoke collar hand small big picture drawing"
).split()


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors, but for those of other libraries about each other."""
    config.addinivalue_line(
        "filterwarnings",
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning:diffusers",
    )


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that a test does is kept in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _seeds_are_drawn_from_one_number() -> Iterator[None]:
    """A seed that is left out is 0, so that tests repeat; tests/test_seeds.py draws for real."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("negspace.request._DRAWN_SEEDS", 1)
        yield


@pytest.fixture(scope="session")
def tiny_sd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion folder: 64x64 pictures, 8x8 latents of 4 channels, epsilon prediction."""
    import torch

    folder = tmp_path_factory.mktemp("models") / "tiny_sd"
    folder.mkdir()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(20)
        _write_tokenizer(folder / "tokenizer")
        _write_networks(folder)
    _write_scheduler(folder, "epsilon")
    _write_json(
        folder / "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": "0.42.1",
            "feature_extractor": [None, None],
            "image_encoder": [None, None],
            "requires_safety_checker": False,
            "safety_checker": [None, None],
            "scheduler": ["diffusers", "DDIMScheduler"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )
    _write_json(
        folder / "negspace.json",
        {"name": "tiny", "words": list(WORDS), "default": {"steps": 4, "scale": 4.0, "sampler": "DPM++ 2M"}},
    )
    return folder


@pytest.fixture(scope="session")
def tiny_sd_v(tiny_sd: Path) -> Path:
    """The same folder, what its network answers read as v prediction."""
    folder = tiny_sd.with_name("tiny_sd_v")
    shutil.copytree(tiny_sd, folder)
    _write_scheduler(folder, "v_prediction")
    return folder


@pytest.fixture(scope="session", params=SD_FOLDERS)
def sd_folder(request: pytest.FixtureRequest) -> Path:
    """Every Stable Diffusion folder there is: the tiny ones, and the embedded model where it is shipped."""
    return EMBEDDED if request.param == "embedded" else request.getfixturevalue(request.param)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def _write_scheduler(folder: Path, prediction: str) -> None:
    (folder / "scheduler").mkdir(exist_ok=True)
    _write_json(
        folder / "scheduler" / "scheduler_config.json",
        {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": "0.42.1",
            "num_train_timesteps": 1000,
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "clip_sample": False,
            "set_alpha_to_one": False,
            "steps_offset": 1,
            "timestep_spacing": "leading",
            "prediction_type": prediction,
        },
    )


def _write_tokenizer(folder: Path) -> None:
    """A CLIP tokenizer for which every word of WORDS is one token and any other text falls into pieces."""
    from tests.vocabulary import trained

    begin, end = "<|startoftext|>", "<|endoftext|>"
    bytes_, merges = trained(WORDS)
    pieces = bytes_ + [f"{byte}</w>" for byte in bytes_]
    pieces += [left + right for left, right in merges if left + right not in pieces]
    vocab = {piece: index for index, piece in enumerate(dict.fromkeys([*pieces, begin, end]))}
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{left} {right}\n" for left, right in merges), encoding="utf-8"
    )
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "CLIPTokenizer",
            "bos_token": begin,
            "eos_token": end,
            "pad_token": end,
            "unk_token": end,
            "model_max_length": 77,
        },
    )


def _write_networks(folder: Path) -> None:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers.models.clip.configuration_clip import CLIPTextConfig
    from transformers.models.clip.modeling_clip import CLIPTextModel

    from tests.networks import small_unet

    vocab = json.loads((folder / "tokenizer" / "vocab.json").read_text(encoding="utf-8"))
    text = CLIPTextConfig(
        vocab_size=len(vocab),
        hidden_size=32,
        intermediate_size=64,
        projection_dim=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=vocab["<|startoftext|>"],
        eos_token_id=vocab["<|endoftext|>"],
        pad_token_id=vocab["<|endoftext|>"],
    )
    CLIPTextModel(text).save_pretrained(folder / "text_encoder")
    small_unet().save_pretrained(folder / "unet")
    vae: Any = AutoencoderKL.from_config(
        {
            "block_out_channels": [8, 8, 16, 16],
            "down_block_types": ["DownEncoderBlock2D"] * 4,
            "up_block_types": ["UpDecoderBlock2D"] * 4,
            "latent_channels": 4,
            "layers_per_block": 1,
            "norm_num_groups": 4,
            "sample_size": 64,
        }
    )
    vae.save_pretrained(folder / "vae")
