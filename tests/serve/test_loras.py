"""LoRA files over HTTP: one folder of the operator's, named by clients, for their own pictures alone."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import torch
from safetensors.torch import load_file, save_file

from negspace.models.files.source import Source
from negspace.serve.settings import ServerSettings
from tests.serve.live import serving


@pytest.fixture(scope="module")
def folder(tiny_sd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("loras")
    (file,) = (tiny_sd / "unet").glob("*.safetensors")
    generator = torch.Generator().manual_seed(1)
    state: dict[str, torch.Tensor] = {}
    for name, weight in load_file(file).items():
        if name.endswith("attn2.to_v.weight"):
            layer = f"lora_unet_{name.removesuffix('.weight').replace('.', '_')}"
            state[f"{layer}.lora_down.weight"] = torch.randn(2, weight.shape[1], generator=generator)
            state[f"{layer}.lora_up.weight"] = torch.randn(len(weight), 2, generator=generator)
    save_file(state, root / "ink.safetensors")
    return root


@pytest.fixture(scope="module")
def http(tiny_sd: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    data = tmp_path_factory.mktemp("serve-loras")
    settings = ServerSettings(models={"tiny": Source(tiny_sd)}, data=data, grace=5, lora_dir=folder)
    with serving(settings) as live, httpx.Client(base_url=live.url, timeout=60) as client:
        yield client


def post(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    body = {"prompt": "a cat", "width": 64, "height": 64, "steps": 2, "seed": 3, **fields}
    return http.post("/sdapi/v1/txt2img", json=body).json()


def test_a_client_names_a_file_and_others_keep_their_picture(http: httpx.Client) -> None:
    plain = post(http)["images"][0]
    ((lora,), changed) = (http.get("/sdapi/v1/loras").json(), post(http, prompt="a cat <lora:ink:0.9>"))
    assert lora["name"] == "ink"
    assert changed["images"][0] != plain == post(http)["images"][0]
    assert 'Lora hashes: "ink: ' in json.loads(changed["info"])["infotexts"][0]


def test_an_unknown_name_is_one_clear_error(http: httpx.Client) -> None:
    answer = post(http, prompt="a cat <lora:../ink:1>")
    assert "no LoRA is called '../ink'; did you mean 'ink'?" in str(answer)


def test_new_files_are_there_at_once_and_a_foreign_one_ends_its_request_alone(
    http: httpx.Client, folder: Path
) -> None:
    save_file({"lora_unet_nowhere.lora_down.weight": torch.ones(1, 2)}, folder / "half.safetensors")
    assert [lora["name"] for lora in http.get("/sdapi/v1/loras").json()] == ["half", "ink"]
    answer = post(http, prompt="a cat <lora:half:1>")
    assert "lora_unet_nowhere.lora_down.weight without the tensors that belong to it" in str(answer)
    (folder / "torn.safetensors").write_bytes(b"torn")
    torn = post(http, prompt="a cat <lora:torn:1>")
    assert "torn" in str(torn) and "is damaged" in str(torn)
    assert str(folder) not in f"{answer} {torn}"
    assert post(http)["images"]


def test_the_native_request_has_a_field_for_them(http: httpx.Client) -> None:
    body = {"prompt": "a cat", "steps": 1, "seed": 3, "loras": [{"name": "ink", "strength": 0.5}]}
    planned = http.post("/api/plan", json=body).json()
    assert planned["loras"][0]["name"] == "ink" and planned["loras"][0]["strength"] == 0.5
