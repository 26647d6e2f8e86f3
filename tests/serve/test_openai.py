"""The OpenAI dialect, driven by OpenAI's own client, unmodified."""

import io
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import openai
import pytest
from PIL import Image

from negspace import png
from negspace.receipt import Receipt
from tests.serve.live import Live


@pytest.fixture(scope="module")
def client(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def test_a_picture_with_its_receipt(client: openai.OpenAI, tmp_path: Path) -> None:
    reply = client.images.generate(
        model="tiny",
        prompt="a red house",
        n=2,
        size="auto",
        quality="auto",
        background="auto",
        extra_body={
            "negative_prompt": "blurry, hat",
            "seed": 5,
            "guidance_scale": 3.0,
            "num_inference_steps": 3,
        },
    )
    assert reply.data is not None and len(reply.data) == 2 and reply.model_extra is not None
    receipt = Receipt.from_dict(reply.model_extra["negspace"]["receipt"])
    assert (receipt.scale, receipt.steps, receipt.negative_acted) == (3.0, 3, True)
    assert [term.term for term in receipt.terms] == ["blurry", "hat"]
    for index, one in enumerate(reply.data):
        file = tmp_path / "one.png"
        file.write_bytes(b64decode(one.b64_json or ""))
        assert png.read(file).receipt == receipt.single(index) and one.revised_prompt is None
    assert reply.usage is not None and reply.usage.output_tokens == sum(receipt.evaluations.values())
    assert reply.size == "64x64"


def test_none_and_empty_and_a_text_are_three_things(client: openai.OpenAI) -> None:
    told: list[str | None] = []
    for avoid in (None, "", "hat"):
        reply = client.images.generate(
            model="tiny", prompt="a cat", extra_body={"negative_prompt": avoid, "steps": 1}
        )
        assert reply.model_extra is not None
        told.append(Receipt.from_dict(reply.model_extra["negspace"]["receipt"]).negative.text)
    assert told == [None, "", "hat"]


def test_by_query_by_header_and_behind_the_model(live: Live) -> None:
    with openai.OpenAI(
        base_url=f"{live.url}/v1",
        api_key="none",
        default_query={"avoid": "hat", "steps": "2", "response_format": "url"},
        default_headers={"X-Negspace-Scale": "2.5", "X-Policy": "quality-floor"},
    ) as client:
        reply = client.images.generate(model="tiny@quality-marks", prompt="a cat")
    assert reply.model_extra is not None and reply.data is not None
    receipt = Receipt.from_dict(reply.model_extra["negspace"]["receipt"])
    assert (receipt.request.avoid, receipt.scale, receipt.steps) == ("hat", 2.5, 2)
    assert receipt.request.policies == ("quality-marks", "quality-floor")
    fetched = httpx.get(reply.data[0].url or "")
    assert Image.open(io.BytesIO(fetched.content)).size == (64, 64)


def test_a_client_that_knows_only_addresses_gets_one(client: openai.OpenAI) -> None:
    reply = client.images.generate(model="dall-e-2", prompt="a cat", extra_body={"steps": 1})
    assert reply.data is not None and (reply.data[0].url or "").startswith("http")
    assert reply.data[0].b64_json is None


def test_a_stream_shows_the_picture_on_its_way(client: openai.OpenAI) -> None:
    stream = client.images.generate(
        model="tiny", prompt="a cat", stream=True, partial_images=2, extra_body={"steps": 6, "avoid": "hat"}
    )
    events = list(stream)
    assert [event.type.rpartition(".")[2] for event in events] == ["partial_image"] * 2 + ["completed"]
    assert [getattr(event, "partial_image_index", None) for event in events] == [0, 1, None]
    for event in events:
        assert Image.open(io.BytesIO(b64decode(event.b64_json))).size == (64, 64)
    assert events[-1].model_extra is not None and "receipt" in events[-1].model_extra["negspace"]


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_other_formats(client: openai.OpenAI, kind: str) -> None:
    reply = client.images.generate(
        model="tiny", prompt="a cat", extra_body={"output_format": kind, "output_compression": 60, "steps": 1}
    )
    assert reply.data is not None
    assert (Image.open(io.BytesIO(b64decode(reply.data[0].b64_json or ""))).format or "").lower() == kind


def picture(mode: str = "RGB", fill: tuple[int, ...] = (200, 30, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (64, 64), fill).save(buffer, "PNG")
    return buffer.getvalue()


def test_an_edit_keeps_what_the_mask_keeps(client: openai.OpenAI) -> None:
    mask = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    holes = io.BytesIO()
    mask.save(holes, "PNG")
    reply = client.images.edit(
        model="tiny",
        image=("a.png", picture(), "image/png"),
        mask=("m.png", holes.getvalue(), "image/png"),
        prompt="a cat",
        extra_body={"negative_prompt": "hat", "steps": 2},
    )
    assert reply.data is not None and reply.model_extra is not None
    made = Image.open(io.BytesIO(b64decode(reply.data[0].b64_json or ""))).convert("RGB")
    assert made.crop((32, 0, 64, 64)).getcolors() == [(32 * 64, (200, 30, 30))]
    assert made.crop((0, 0, 32, 64)).getcolors(10_000) != [(32 * 64, (200, 30, 30))]
    receipt = Receipt.from_dict(reply.model_extra["negspace"]["receipt"])
    assert receipt.request.avoid == "hat" and receipt.request.start is not None
    assert receipt.request.start.strength == 1.0


def test_an_edit_without_a_mask_starts_from_the_picture(client: openai.OpenAI) -> None:
    reply = client.images.edit(
        model="tiny", image=[("a.png", picture(), "image/png")], prompt="a cat", extra_body={"steps": "4"}
    )
    assert reply.model_extra is not None
    start = reply.model_extra["negspace"]["receipt"]["request"]["start"]
    assert start["strength"] == 0.75 and start["picture"]["data"] is None


def test_further_pictures_and_a_transparent_background_are_findings(client: openai.OpenAI) -> None:
    fields: dict[str, Any] = {"model": "tiny", "image": [picture(), picture()], "prompt": "a cat"}
    more: dict[str, Any] = {"background": "transparent", "extra_body": {"steps": "2"}}
    reply = client.images.edit(**fields, **more)
    assert reply.model_extra is not None
    findings = [finding["text"] for finding in reply.model_extra["negspace"]["receipt"]["findings"]]
    assert any("background transparent" in text for text in findings)
    assert any("2 pictures were sent" in text for text in findings)
    with pytest.raises(openai.BadRequestError, match="strict: background"):
        client.images.edit(**fields, background="transparent", extra_body={"strict": "true"})


def test_a_variation_starts_from_its_picture(client: openai.OpenAI) -> None:
    with pytest.warns(DeprecationWarning):  # by its client; programs of its users send it still
        reply = client.images.create_variation(model="tiny", image=picture(), extra_body={"steps": "4"})
    assert reply.model_extra is not None and reply.data is not None and reply.data[0].b64_json
    request = reply.model_extra["negspace"]["receipt"]["request"]
    assert request["prompt"] == "" and request["start"]["strength"] == 0.75


def test_an_edit_needs_a_picture_that_is_one(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no picture in one of the formats"):
        client.images.edit(model="tiny", image=b"GIF89a nothing", prompt="a cat")


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny", "embedded"]
    assert client.models.retrieve("tiny").owned_by == "negspace"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("none")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"model": "none"}, "no model is called 'none'"),
        ({"extra_body": {"rule": "nothing"}}, "no rule is called"),
        ({"extra_body": {"seed": "x"}}, "seed: 'x' is not a number"),
        ({"extra_body": {"priority": 1e9}}, "priority"),
        ({"extra_body": {"conversation": "a b"}}, "conversation"),
        ({"size": "big"}, "size 'big' is neither"),
        ({"background": "striped"}, "background"),
        ({"n": 11}, "n: "),
    ],
)
def test_mistakes_are_told_in_its_shape(client: openai.OpenAI, fields: dict, said: str) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        client.images.generate(**{"prompt": "a cat", "model": "tiny", **fields})
    assert said in told.value.message and told.value.type == "invalid_request_error"


# What other clients of this dialect send, from their sources: steps are few here

LIBRECHAT = {
    "model": "tiny",
    "prompt": "a cat",
    "n": 1,
    "background": "auto",
    "output_format": "png",
    "output_compression": 100,
    "quality": "auto",
    "size": "auto",
}
OPEN_WEBUI = {
    "model": "tiny",
    "prompt": "a cat",
    "n": 1,
    "size": "64x64",
    "response_format": "b64_json",
    "negative_prompt": "hat",
}


@pytest.mark.parametrize("sent", [LIBRECHAT, OPEN_WEBUI], ids=["LibreChat", "Open WebUI"])
def test_what_other_clients_send_is_carried_out(live: Live, sent: dict) -> None:
    address = f"{live.url}/v1/images/generations?api-version=2024-02-01&steps=2"
    reply = httpx.post(address, json=sent, headers={"api-key": "none"}, timeout=60)
    assert reply.status_code == 200, reply.text
    (one,) = reply.json()["data"]
    assert Image.open(io.BytesIO(b64decode(one["b64_json"]))).size == (64, 64)
    acted = reply.json()["negspace"]["receipt"]["negative_acted"]
    assert acted == ("negative_prompt" in sent)


@pytest.mark.parametrize("part", ["image", "image[]"])
def test_the_edits_of_other_clients(live: Live, part: str) -> None:
    sent = {"model": "tiny", "prompt": "a cat", "n": "1", "size": "64x64", "response_format": "b64_json"}
    files = {part: ("a.png", picture(), "image/png")}
    reply = httpx.post(f"{live.url}/v1/images/edits?steps=2", data=sent, files=files, timeout=60)
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"][0]["b64_json"]
