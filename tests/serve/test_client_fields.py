"""What every dialect does alike: seeds are drawn, and no field that is sent vanishes without a word."""

import io
import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from PIL import Image

from negspace.receipt import Receipt
from tests.serve.live import Live

Reply = tuple[bytes, Receipt]
SMALL = {"width": 64, "height": 64, "steps": 1}


def _post(live: Live, path: str, body: Mapping[str, Any]) -> requests.Response:
    reply = requests.post(f"{live.url}{path}", json=dict(body), timeout=120)
    assert reply.status_code == 200, reply.text
    return reply


def _read(png: bytes) -> Reply:
    return png, Receipt.from_json(Image.open(io.BytesIO(png)).info["negspace"])


def _native(live: Live, **fields: Any) -> Reply:
    body = {"prompt": "a cat", "model": "tiny", **SMALL, **fields}
    data = _post(live, "/api/generate?reply=base64", body).json()
    return _read(b64decode(data["images"][0]["png"]))


def _openai(live: Live, **fields: Any) -> Reply:
    body = {"prompt": "a cat", "model": "tiny", "size": "64x64", "steps": 1, **fields}
    data = _post(live, "/v1/images/generations", body).json()
    return _read(b64decode(data["data"][0]["b64_json"]))


def _a1111(live: Live, **fields: Any) -> Reply:
    body = {"prompt": "a cat", "override_settings": {"sd_model_checkpoint": "tiny"}, **SMALL, **fields}
    data = _post(live, "/sdapi/v1/txt2img", body).json()
    return _read(b64decode(data["images"][0].rpartition(",")[2]))


def _hugging_face(live: Live, **fields: Any) -> Reply:
    parameters = {"width": 64, "height": 64, "num_inference_steps": 1, **fields}
    return _read(_post(live, "/hf/tiny", {"inputs": "a cat", "parameters": parameters}).content)


DIALECTS: dict[str, Callable[..., Reply]] = {
    "native": _native,
    "openai": _openai,
    "a1111": _a1111,
    "hugging face": _hugging_face,
}


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.request._DRAWN_SEEDS", 2**32)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_seed_that_is_left_out_is_drawn_and_repeats(name: str, live: Live, drawn: None) -> None:
    call = DIALECTS[name]
    (_, receipt), (_, other) = call(live), call(live)
    seed = receipt.images[0].seed
    assert seed != other.images[0].seed
    _, repeated = call(live, seed=seed)
    assert repeated.images[0].sha256 == receipt.images[0].sha256 != other.images[0].sha256
    _, random = call(live, seed=-1)
    assert random.images[0].seed not in (seed, other.images[0].seed)


@pytest.mark.parametrize("name", ["openai", "a1111", "hugging face"])
def test_scale_zero_is_scale_one(name: str, live: Live) -> None:
    field = {"a1111": "cfg_scale"}.get(name, "guidance_scale")
    _, receipt = DIALECTS[name](live, **{field: 0.0})
    assert receipt.scale == 1 and "scale-off" in [finding.code for finding in receipt.findings]


@pytest.mark.parametrize("name", ["openai", "a1111"])
def test_a_field_that_is_not_understood_is_a_finding(name: str, live: Live) -> None:
    _, receipt = DIALECTS[name](live, negative_promt="hat", negative_prompt_2="fog")
    texts = [finding.text for finding in receipt.findings if finding.code == "unknown-field"]
    assert len(texts) == 1 and "negative_promt" in texts[0] and "negative_prompt" in texts[0]
    assert receipt.negative.text == "fog"


@pytest.mark.parametrize("path", ["/v1/images/generations", "/sdapi/v1/txt2img"])
def test_strict_refuses_it(path: str, live: Live) -> None:
    body = {"prompt": "a cat", "negative_promt": "hat", "strict": True}
    reply = requests.post(f"{live.url}{path}", json=body, timeout=60)
    assert reply.status_code in (400, 422) and "negative_promt" in reply.text


def test_a1111_names_what_is_not_carried_out(live: Live) -> None:
    """AUTOMATIC1111 and Forge: s_min_uncond, distilled_cfg_scale, infotext, override_settings."""
    body = {
        "prompt": "a cat",
        "s_min_uncond": 4.0,
        "distilled_cfg_scale": 3.5,
        "infotext": "a dog\nSteps: 3",
        "override_settings": {
            "sd_model_checkpoint": "tiny",
            "emphasis": "No norm",
            "eta_noise_seed_delta": 31337,
        },
        **SMALL,
    }
    info = requests.post(f"{live.url}/sdapi/v1/txt2img", json=body, timeout=60).json()["info"]
    for name in (
        "s_min_uncond",
        "infotext",
        "emphasis",
        "eta_noise_seed_delta",
        "3.5: tiny takes no guidance",
    ):
        assert name in info


def test_extension_fields_reach_the_native_api(live: Live) -> None:
    headers = {"X-Negspace-Avoid": "hat", "X-Policy": "quality-floor"}
    body = {"prompt": "a cat", "model": "tiny", **SMALL}
    reply = requests.post(f"{live.url}/api/plan?steps=3&negativ=x", json=body, headers=headers, timeout=60)
    plan = reply.json()
    assert plan["request"]["avoid"] == "hat" and plan["policies"][0]["name"] == "quality-floor"
    assert {"field-replaced", "unknown-field"} <= {finding["code"] for finding in plan["findings"]}


def test_sizes_that_clients_send_to_every_model_are_fitted_to_the_embedded_one(live: Live) -> None:
    body = {"prompt": "a cat", "model": "embedded", "size": "1024x1024", "steps": 1}
    reply = _post(live, "/v1/images/generations", body).json()
    receipt = Receipt.from_json(json.dumps(reply["negspace"]["receipt"]))
    assert reply["size"] == "128x128" and (receipt.width, receipt.height) == (128, 128)
    texts = [finding.text for finding in receipt.findings if finding.code == "size-fitted"]
    assert len(texts) == 1 and "0.125" in texts[0]
    own = {"prompt": "a cat", "model": "embedded", "width": 64, "height": 64, "fit_size": False}
    assert requests.post(f"{live.url}/api/plan", json=own, timeout=60).json()["width"] == 64


def test_headers_of_hugging_face_say_the_seed(live: Live, drawn: None) -> None:
    reply = _post(live, "/hf/tiny", {"inputs": "a cat", "parameters": {"num_inference_steps": 1}})
    assert int(unquote(reply.headers["X-Negspace-Seed"])) == _read(reply.content)[1].images[0].seed


WITHHELD = {"avoid": "hat", "check": "block", "seed": 8, "steps": 4}
"""On "a snowman, night" every attempt at this picture shows a hat to the judge of the embedded model."""


def test_a_withheld_picture_is_an_answer_in_every_dialects_own_words(live: Live) -> None:
    post = partial(requests.post, timeout=120)
    prompt = "a snowman, night"
    native = post(f"{live.url}/api/generate", json={"prompt": prompt, "model": "embedded", **WITHHELD})
    assert native.status_code == 200 and native.json()["images"] == []
    assert "hat" in native.json()["receipt"]["withheld"][0]["flags"][0]
    body = {"prompt": prompt, "model": "embedded", **WITHHELD}
    openai = post(f"{live.url}/v1/images/generations", json=body)
    assert (openai.status_code, openai.json()["error"]["code"]) == (400, "content_policy_violation")
    stream = post(f"{live.url}/v1/images/generations", json=body | {"stream": True})
    assert "event: error" in stream.text and "content_policy_violation" in stream.text
    a1111 = post(
        f"{live.url}/sdapi/v1/txt2img",
        json={"prompt": prompt, "override_settings": {"sd_model_checkpoint": "embedded"}, **WITHHELD},
    )
    assert a1111.status_code == 422 and "withheld" in a1111.text
    query = "avoid=hat&check=block"
    parameters = {"seed": 8, "num_inference_steps": 4}
    hub = post(f"{live.url}/hf/embedded?{query}", json={"inputs": prompt, "parameters": parameters})
    assert hub.status_code == 422 and "withheld" in hub.json()["error"] and "hat: seen" in hub.text
