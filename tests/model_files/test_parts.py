"""Hub ids, swapped text encoders, LoRA files, pickles, ways to save memory."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import negspace
from negspace.errors import ModelError
from negspace.generate import Result
from tests.model_files.conftest import Place
from tests.model_files.original import write_single


def made(place: str | Path, **fields: Any) -> Result:
    model = negspace.load(place, dtype="float32", device="cpu", **fields)
    return model.generate("a red cat", avoid="hat", seed=3, rule="cfg", scale=2.0, steps=2)


# The hub


def test_an_id_is_found_in_the_cache_of_the_hub(place: Place, offline: Path) -> None:
    repository = offline / "models--somebody--tiny"
    snapshot = repository / "snapshots" / ("0" * 40)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    shutil.copytree(place("sd"), snapshot)
    blob = repository / "blobs" / "1234"  # a hub's cache links to blobs beside its snapshots
    blob.parent.mkdir()
    weights = next((snapshot / "unet").glob("*.safetensors"))
    weights.rename(blob)
    weights.symlink_to(blob)
    found = made("somebody/tiny")
    assert torch.equal(found.latents, made(place("sd")).latents)
    assert found.receipt.model.name == "tiny"


def test_an_id_out_of_reach_is_one_clear_error(offline: Path) -> None:
    with pytest.raises(ModelError, match=r"'somebody/nothing' is neither a folder here nor") as caught:
        made("somebody/nothing")
    assert "\n" not in str(caught.value)


# Text encoders


def test_a_text_encoder_takes_another_ones_place(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    (file,) = (place("sd") / "text_encoder").glob("*.safetensors")
    state = load_file(file)
    save_file({name: value * 1.1 for name, value in state.items()}, other)
    plain, swapped = made(place("sd")), made(place("sd"), text_encoder=other)
    assert not torch.equal(plain.latents, swapped.latents)
    assert plain.receipt.model.fingerprint != swapped.receipt.model.fingerprint
    same = made(place("sd"), text_encoder=place("sd") / "text_encoder")
    assert torch.equal(plain.latents, same.latents)
    second = made(place("sdxl"), text_encoder={"text_encoder_2": place("sdxl") / "text_encoder_2"})
    assert torch.equal(second.latents, made(place("sdxl")).latents)


@pytest.mark.parametrize(
    ("rows", "columns", "told"),
    [
        (40, 32, r"knows 40 tokens and text_encoder of sd knows \d+"),
        (None, 48, r"is 48 wide and text_encoder of sd is 32"),
    ],
)
def test_another_vocabulary_or_width_is_refused_with_both_named(
    place: Place, tmp_path: Path, rows: int | None, columns: int, told: str
) -> None:
    (file,) = (place("sd") / "text_encoder").glob("*.safetensors")
    state = load_file(file)
    name = next(key for key in state if key.endswith("token_embedding.weight"))
    state[name] = torch.zeros(rows or len(state[name]), columns)
    save_file(state, tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=told):
        made(place("sd"), text_encoder=tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match=r"has no 'text_encoder_2' to be swapped; it has text_encoder"):
        made(place("sd"), text_encoder={"text_encoder_2": tmp_path / "other.safetensors"})


# LoRA


def lora(layers: dict[str, Tensor], names: tuple[str, str], alpha: float | None = None) -> dict[str, Tensor]:
    """Rank 2 for some linear layers, [out, in] each."""
    generator = torch.Generator().manual_seed(5)
    made: dict[str, Tensor] = {}
    for layer, weight in layers.items():
        out, into = weight.shape
        made[f"{layer}.{names[0]}"] = torch.randn(2, into, generator=generator) * 0.3
        made[f"{layer}.{names[1]}"] = torch.randn(out, 2, generator=generator) * 0.3
    return made


def weights_of(folder: Path, part: str) -> dict[str, Tensor]:
    (file,) = (folder / part).glob("*.safetensors")
    return load_file(file)


@pytest.mark.parametrize(
    ("family", "part"),
    [
        ("sd", "unet"),
        ("sdxl", "unet"),
        *(
            (family, "transformer")
            for family in ("sd3", "flux", "chroma", "z-image", "qwen-image", "sana", "pixart-sigma")
        ),
    ],
)
def test_a_lora_adds_its_product_to_the_weights(place: Place, tmp_path: Path, family: str, part: str) -> None:
    state = weights_of(place(family), part)
    picked = [name for name in state if name.endswith("to_q.weight")][:2]
    layers = {f"{part}.{name.removesuffix('.weight')}": state[name] for name in picked}
    added = lora(layers, ("lora_A.weight", "lora_B.weight"))
    save_file(added, tmp_path / "style.safetensors")
    model = negspace.load(
        place(family), dtype="float32", device="cpu", lora=[(tmp_path / "style.safetensors", 0.5)]
    )
    denoiser: Any = model.network()._parts.denoiser  # type: ignore[attr-defined]
    now = denoiser.state_dict()
    for name in picked:
        base = f"{part}.{name.removesuffix('.weight')}"
        product = added[f"{base}.lora_B.weight"] @ added[f"{base}.lora_A.weight"]
        assert torch.allclose(now[name], state[name] + 0.5 * product, atol=1e-6)
    assert set(now) == set(state) | (set(now) - set(state)) and not any("lora" in name for name in now)
    untouched = [name for name in state if name not in picked]
    assert all(torch.equal(now[name], state[name]) for name in untouched)


def test_a_lora_of_the_text_encoder_is_added_too(place: Place, tmp_path: Path) -> None:
    state = weights_of(place("sd"), "text_encoder")
    name = next(key for key in state if key.endswith("layers.0.self_attn.q_proj.weight"))
    layer = f"text_encoder.text_model.{name.removeprefix('text_model.').removesuffix('.weight')}"
    save_file(lora({layer: state[name]}, ("lora_A.weight", "lora_B.weight")), tmp_path / "style.safetensors")
    plain = made(place("sd"))
    changed = made(place("sd"), lora=[(tmp_path / "style.safetensors", 1.0)])
    assert not torch.equal(plain.latents, changed.latents)
    assert plain.receipt.model.fingerprint != changed.receipt.model.fingerprint
    assert plain.receipt.model.parts == () and "part " not in plain.receipt.summary()
    (told,) = changed.receipt.model.parts
    assert told.startswith("lora x1 style.safetensors, sha256 ") and told in changed.receipt.summary()
    off = made(place("sd"), lora=[(tmp_path / "style.safetensors", 0.0)])
    assert torch.allclose(plain.latents, off.latents, atol=1e-6)


def test_a_lora_of_another_model_is_refused(place: Place, tmp_path: Path) -> None:
    wide = {"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q": torch.zeros(320, 320)}
    save_file(lora(wide, ("lora_A.weight", "lora_B.weight")), tmp_path / "wide.safetensors")
    with pytest.raises(ModelError, match="wide.safetensors"):
        made(place("sd"), lora=[(tmp_path / "wide.safetensors", 1.0)])
    other = {"unet.down_blocks.7.attentions.0.proj": torch.zeros(8, 8)}
    save_file(lora(other, ("lora_A.weight", "lora_B.weight")), tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="is for another model: this one has no unet.down_blocks.7"):
        made(place("sd"), lora=[(tmp_path / "other.safetensors", 1.0)])
    with pytest.raises(ModelError, match="this one has no unet.down_blocks.0"):
        made(place("pixart-sigma"), lora=[(tmp_path / "wide.safetensors", 1.0)])
    with pytest.raises(ModelError, match="holds no LoRA"):
        (file,) = (place("sd") / "vae").glob("*.safetensors")
        made(place("sd"), lora=[(file, 1.0)])


# Pickles


def test_pickles_are_opened_only_where_that_is_allowed(place: Place, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place("sd"), tmp_path / "copy"))
    (file,) = (copy / "unet").glob("*.safetensors")
    torch.save(load_file(file), file.with_suffix(".bin"))
    file.unlink()
    with pytest.raises(ModelError, match=r"is pickled and could run a program.*--allow-pickle"):
        made(copy)
    assert torch.equal(made(copy, allow_pickle=True).latents, made(place("sd")).latents)


def test_a_pickled_whole_model_is_read_for_its_tensors(place: Place, tmp_path: Path) -> None:
    single = tmp_path / "mine.safetensors"
    write_single("sd", place("sd"), single)
    torch.save({"state_dict": load_file(single)}, tmp_path / "mine.ckpt")
    with pytest.raises(ModelError, match="--allow-pickle"):
        made(tmp_path / "mine.ckpt", config=place("sd"))
    with pytest.raises(ModelError, match="give config"):
        made(tmp_path / "mine.ckpt", allow_pickle=True)
    opened = made(tmp_path / "mine.ckpt", config=place("sd"), allow_pickle=True)
    assert torch.equal(opened.latents, made(place("sd")).latents)


class Runs:
    """A pickle that would run a program."""

    def __reduce__(self) -> Any:
        return print, ("it ran",)


def test_a_pickle_that_runs_a_program_is_refused_and_does_not_run(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a": torch.zeros(2), "b": Runs()}, tmp_path / "evil.ckpt")
    (tmp_path / "old.ckpt").write_bytes(pickle.dumps(Runs()))
    for name in ("evil.ckpt", "old.ckpt"):
        with pytest.raises(ModelError, match=name):
            made(tmp_path / name, config=place("sd"), allow_pickle=True)
    assert "it ran" not in capsys.readouterr().out


# Memory


@pytest.mark.parametrize("way", ["model offload", "sequential offload", "vae slicing", "attention slicing"])
def test_ways_to_save_memory_change_no_picture(place: Place, way: Any) -> None:
    saved = made(place("sd"), savings=[way])
    assert (saved.latents - made(place("sd")).latents).abs().max() < 1e-4


def test_ways_that_exclude_each_other_or_are_not_there_are_refused(place: Place) -> None:
    with pytest.raises(ModelError, match="exclude each other"):
        made(place("sd"), savings=["model offload", "sequential offload"])
    tiled = made(place("sd3"), savings=["vae tiling"])
    assert json.loads(tiled.receipt.to_json())["model"]["family"] == "sd3"
