"""The Hugging Face dialect, by huggingface_hub's own client."""

import base64
from typing import Any
from urllib.parse import unquote

import pytest
import requests
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from negspace.receipt import Receipt
from tests.pictures import declared, file, gradient, text
from tests.serve.live import Live

BOMB = base64.b64encode(declared(50_000, 50_000)).decode()


@pytest.fixture(scope="module")
def client(live: Live) -> InferenceClient:
    return InferenceClient(base_url=f"{live.url}/hf/tiny", api_key="none")


def test_text_to_image(client: InferenceClient) -> None:
    asked: dict[str, Any] = {
        "negative_prompt": "hat",
        "num_inference_steps": 2,
        "guidance_scale": 4.0,
        "seed": 3,
    }
    image = client.text_to_image("a cat", width=64, height=64, scheduler="DDIM", **asked)
    receipt = Receipt.from_json(image.info["negspace"])
    assert image.size == (64, 64) and receipt.negative.text == "hat" and receipt.sampler == "DDIM"
    assert (receipt.steps, receipt.scale, receipt.images[0].seed) == (2, 4.0, 3)
    more = client.text_to_image("a cat", extra_body={"policies": ["quality-floor"]}, num_inference_steps=2)
    assert Receipt.from_json(more.info["negspace"]).request.policies == ("quality-floor",)


def test_image_to_image(client: InferenceClient) -> None:
    image = client.image_to_image(
        file(gradient()), prompt="a cat", negative_prompt="hat", num_inference_steps=4, strength=0.5
    )
    receipt = Receipt.from_json(image.info["negspace"])
    assert image.size == (64, 64) and receipt.evaluations["positive"] == 2
    assert receipt.request.start is not None and receipt.request.start.strength == 0.5


def test_the_receipt_is_in_the_headers(live: Live) -> None:
    body = {"inputs": "a cat", "parameters": {"negative_prompt": "chapeau d'été, 100% hat", "seed": 3}}
    answer = requests.post(f"{live.url}/hf/models/tiny@quality-floor", json=body, timeout=60)
    told = answer.headers
    assert answer.status_code == 200 and told["Content-Type"] == "image/png", answer.text
    assert told["X-Negspace-Negative-Acted"] == "yes" and told["X-Negspace-Seed"] == "3"
    kept = Receipt.from_dict(requests.get(live.url + told["X-Negspace-Receipt"], timeout=60).json())
    assert unquote(told["X-Negspace-Negative"]) == kept.negative.text
    assert int(told["X-Negspace-Evaluations"]) == sum(kept.evaluations.values())
    assert kept.request.policies == ("quality-floor",)


def test_what_was_said_beside_the_body(live: Live) -> None:
    client = InferenceClient(
        base_url=f"{live.url}/hf/tiny", headers={"X-Negative-Prompt": "hat, blurry", "X-Negspace-Steps": "2"}
    )
    receipt = Receipt.from_json(client.text_to_image("a cat").info["negspace"])
    assert receipt.negative.text == "hat, blurry" and receipt.steps == 2


@pytest.mark.parametrize(
    ("model", "body", "status", "message"),
    [
        ("nothing", {"inputs": "a"}, 400, "no model is called 'nothing'"),
        ("../tiny", {"inputs": "a"}, 404, ""),
        ("%2e%2e%2fetc", {"inputs": "a"}, 400, "no model is called"),
        ("tiny@", {"inputs": "a"}, 400, "no policy is called"),
        ("tiny@none", {"inputs": "a"}, 400, "no policy is called"),
        ("tiny", {"inputs": 3}, 422, "inputs"),
        ("tiny", {"inputs": "a", "parameters": {"negative": "hat"}}, 422, "parameters.negative"),
        ("tiny", {"inputs": "a", "parameters": {"width": 65}}, 400, "width 65"),
        ("tiny", {"inputs": "a", "parameters": {"prompt": "a"}}, 400, "base64"),
        ("tiny", {"inputs": BOMB, "parameters": {"prompt": "a"}}, 400, "too large"),
        ("tiny", {"inputs": text(gradient()), "parameters": {"prompt": "a", "width": -1}}, 400, "a side has"),
        ("tiny", b"\xff", 422, "body"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(
    live: Live, model: str, body: Any, status: int, message: str
) -> None:
    sent: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body}
    answer = requests.post(f"{live.url}/hf/{model}", timeout=60, **sent)
    assert answer.status_code == status, answer.text
    assert message in answer.text and "\n" not in answer.text


def test_the_client_is_told_why(client: InferenceClient) -> None:
    with pytest.raises(HfHubHTTPError) as caught:
        client.text_to_image("a cat", scheduler="Euler b")
    assert caught.value.response.status_code == 400
    assert "did you mean 'Euler a'" in caught.value.response.json()["error"]
