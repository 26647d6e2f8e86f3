"""Opening models: what is refused, which footing is chosen, what the fingerprint tells apart."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.errors import ModelError, PictureError, RequestError
from negspace.guidance import Patch
from negspace.models.base import Row
from negspace.models.files.fingerprint import fingerprint
from negspace.models.files.source import Source
from negspace.models.hardware import choose_placement
from negspace.models.loading.opening import open_network


@pytest.fixture
def copy(tiny_sd: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_sd, tmp_path / "copy"))


def test_a_folder_opens(tiny_sd: Path) -> None:
    network = open_network(tiny_sd, choose_placement("float32", "cpu"))
    assert (network.dtype, network.device.type) == (torch.float32, "cpu")
    assert network.latent_shape(96, 32) == (4, 4, 12)
    with pytest.raises(RequestError, match="multiples of 16"):
        network.latent_shape(100, 64)


def test_opening_prints_nothing(tiny_sd: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    open_network(tiny_sd, choose_placement("float32", "cpu"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder", "tokenizer"])
def test_a_missing_part_is_refused(copy: Path, part: str) -> None:
    shutil.rmtree(copy / part)
    with pytest.raises(ModelError, match=part):
        open_network(copy, choose_placement("float32", "cpu"))


def test_pickled_weights_are_not_opened(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ModelError, match="pickled"):
        open_network(copy, choose_placement("float32", "cpu"))


def test_damaged_weights_are_refused_in_one_line(copy: Path) -> None:
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ModelError, match="unet") as caught:
        open_network(copy, choose_placement("float32", "cpu"))
    assert "\n" not in str(caught.value)


def test_a_patch_is_refused(tiny_sd: Path) -> None:
    network = open_network(tiny_sd, choose_placement("float32", "cpu"))
    row = Row(torch.zeros(4, 8, 8), 1.0, (network.encoder.empty(),), Patch())
    with pytest.raises(RequestError, match="another rule"):
        network.predict([row])


def test_what_is_given_wins_over_what_would_be_chosen() -> None:
    assert choose_placement("float32", "cpu").dtype == torch.float32
    bfloat16 = choose_placement("bfloat16", "cpu")
    assert (bfloat16.dtype, bfloat16.layout) == (torch.bfloat16, torch.channels_last)
    assert choose_placement(None, "cpu").dtype in (torch.float32, torch.bfloat16)


def test_an_unknown_dtype_or_device_is_refused() -> None:
    with pytest.raises(ModelError, match="int3"):
        choose_placement("int3")
    with pytest.raises(ModelError, match="abacus"):
        choose_placement(None, "abacus")
    with pytest.raises(ModelError, match="cuda:99"):
        choose_placement(None, "cuda:99")


def test_a_fingerprint_is_of_the_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def made(folder: str, **contents: bytes) -> str:
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        for name, content in contents.items():
            (place / name).write_bytes(content)
        return fingerprint(place, list(place.iterdir()))

    first = made("one", a=b"1", b=b"2")
    assert first == made("one") == made("two", a=b"1", b=b"2")
    assert (
        len({first, made("three", a=b"2", b=b"1"), made("four", a=b"1", c=b"2"), made("one", a=b"11")}) == 4
    )


def test_a_cache_that_cannot_be_kept_or_read_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = fingerprint(tmp_path, [file])
    (tmp_path / "cache" / "negspace" / "fingerprints.json").write_text("{damaged")
    assert fingerprint(tmp_path, [file]) == first
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert fingerprint(tmp_path, [file]) == first


@pytest.mark.parametrize(
    ("settings", "dtype", "chosen"),
    [
        ({"force_upcast": True}, "float16", torch.float32),
        ({"force_upcast": True}, "bfloat16", torch.bfloat16),
        ({"force_upcast": False}, "float16", torch.float16),
        ({}, "float16", torch.float16),
    ],
)
def test_a_part_that_overflows_in_float16_is_not_run_in_it(
    settings: dict[str, bool], dtype: str, chosen: torch.dtype
) -> None:
    assert choose_placement(dtype, "cpu").for_settings(settings).dtype == chosen


def test_an_autoencoder_whose_settings_say_so_decodes_in_float32(copy: Path) -> None:
    """Its values are scaled so that float16 overflows; float32 decodes them."""
    file = copy / "vae" / "config.json"
    told = json.loads(file.read_text())
    latents = torch.full((4, 8, 8), 3e5)
    file.write_text(json.dumps(told | {"force_upcast": True}))
    careful = open_network(copy, choose_placement("float16", "cpu"))
    plain = open_network(copy, choose_placement("float32", "cpu"))
    assert careful.dtype == torch.float16 and (careful.decode(latents) == plain.decode(latents)).all()
    file.write_text(json.dumps(told | {"force_upcast": False}))
    with pytest.raises(PictureError, match=r"the autoencoder.*dtype float32"):
        open_network(copy, choose_placement("float16", "cpu")).decode(latents)


@pytest.mark.parametrize("saving", ["model offload", "sequential offload"])
def test_weights_that_move_are_never_all_on_the_device(tiny_sd: Path, saving: Any) -> None:
    """The device is that of tensors without memory: what was put there would show."""
    placement = choose_placement("float32", "meta")
    network: Any = open_network(Source(tiny_sd, savings=(saving,)), placement)
    parts = network._parts.networks.values()
    devices = {weight.device.type for part in parts for weight in part.parameters()}
    assert devices == ({"cpu"} if saving == "model offload" else {"cpu", "meta"})
    whole: Any = open_network(tiny_sd, placement)
    assert {
        weight.device.type for part in whole._parts.networks.values() for weight in part.parameters()
    } == {"meta"}


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="'mps' is not there"):
        choose_placement(None, "mps")
    with pytest.raises(ModelError, match=r"'cuda:99' is not there"):
        negspace.load(Source("embedded", device="cuda:99"))
