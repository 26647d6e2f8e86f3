"""The native API against a live server."""

import hashlib
import io
import json
from pathlib import Path

import httpx2 as httpx
import pytest
from PIL import Image

from negspace import png
from negspace.receipt import Receipt
from tests.serve.live import Live

ASKED = {"prompt": "a red house", "avoid": "blurry, hat", "seed": 3, "model": "tiny"}


@pytest.fixture
def client(live: Live):  # noqa: ANN201
    with httpx.Client(base_url=live.url, timeout=60) as client:
        yield client


def test_it_says_that_it_is_ready(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").status_code == 200


def test_a_picture_and_its_receipt(client: httpx.Client, tmp_path: Path) -> None:
    reply = client.post("/api/generate", json=ASKED | {"n": 2})
    assert reply.status_code == 200
    told = reply.json()
    receipt = Receipt.from_dict(told["receipt"])
    assert [one["seed"] for one in told["images"]] == [3, 4]
    assert receipt.negative_acted and [term.term for term in receipt.terms] == ["blurry", "hat"]
    assert receipt.request.model == "tiny"
    for index, one in enumerate(told["images"]):
        file = tmp_path / f"{index}.png"
        file.write_bytes(client.get(one["url"]).content)
        pixels = Image.open(io.BytesIO(file.read_bytes())).tobytes()
        assert hashlib.sha256(pixels).hexdigest() == receipt.images[index].sha256
        own = Receipt.from_dict(client.get(one["url"] + "/receipt").json())
        assert own == receipt.single(index) == png.read(file).receipt


def test_events_come_step_by_step(client: httpx.Client) -> None:
    with client.stream("POST", "/api/generate", params={"reply": "events"}, json=ASKED) as reply:
        lines = [line for line in reply.iter_lines() if line]
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert names == ["accepted", *["progress"] * 4, "done"]
    last = json.loads(lines[-1].removeprefix("data: "))
    assert last["images"][0]["seed"] == 3


def test_a_ticket_is_asked_for_later(client: httpx.Client) -> None:
    reply = client.post("/api/generate", params={"reply": "ticket"}, json=ASKED)
    assert reply.status_code == 202
    while (told := client.get(reply.headers["location"]).json())["status"] != "done":
        assert told["status"] in ("waiting", "running")
    assert client.get(told["images"][0]["url"]).headers["content-type"] == "image/png"


def test_a_plan_makes_nothing(client: httpx.Client) -> None:
    told = client.post("/api/plan", json=ASKED | {"scale": 1.0}).json()
    assert told["acts"] is False and "scale is 1" in told["why_not"]


def test_models_and_policies_are_listed(client: httpx.Client) -> None:
    models = client.get("/api/models").json()
    assert models["default"] == "tiny" and set(models["models"]) == {"tiny", "embedded"}
    assert "quality-floor" in client.get("/api/policies").json()["policies"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"avoi": "x"}, "no field 'avoi'"),
        ({"steps": 0}, "steps"),
        ({"n": 17}, "at most 16 pictures"),
        ({"steps": 151}, "at most 150"),
        ({"width": 8192, "height": 8192}, "pixels"),
        ({"model": "/etc"}, "no model is called '/etc'"),
        ({"policies": ["/etc/passwd.yaml"]}, "no policy is called"),
        ({"embeddings": ["../x.safetensors"]}, "no embedding is called"),
        ({"rule": 'autoguidance(weak="/etc")'}, "names a file"),
        ({"prompt": "x" * 11_000}, "characters long"),
        ({"sampler": "none"}, "no sampler is called"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    client: httpx.Client, fields: dict[str, object], said: str
) -> None:
    reply = client.post("/api/generate", json=ASKED | fields)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert said in error["message"] and "\n" not in error["message"]


def test_what_is_not_there_is_404(client: httpx.Client) -> None:
    for path in ("/api/images/nope-0", "/api/images/nope-0/receipt", "/api/jobs/nope", "/api/nope"):
        assert client.get(path).status_code == 404


def test_a_body_beyond_the_limit_is_refused(live: Live, client: httpx.Client) -> None:
    most = live.service.settings.largest_body
    reply = client.post("/api/generate", content=b" " * (most + 1))
    assert reply.status_code == 413
