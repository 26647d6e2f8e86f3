"""Conversations: what is said about a picture becomes the next one."""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import count
from math import comb
from typing import Any

import httpx2 as httpx
import openai
import pytest
import requests
import webuiapi
from huggingface_hub import InferenceClient
from PIL import Image

from negspace.judge import Judge
from negspace.receipt import Receipt
from negspace.records import JudgeVerdict
from negspace.serve.catalogue import Judges
from tests.serve.live import Live

names = (f"talk-{number}" for number in count())


@pytest.fixture
def client(live: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.url, timeout=60) as client:
        yield client


@pytest.fixture
def talk(client: httpx.Client) -> str:
    name = next(names)
    asked = {"prompt": "a house", "avoid": "text", "seed": 4, "steps": 2, "policies": ["quality-floor"]}
    assert client.post("/api/generate", params={"conversation": name}, json=asked).status_code == 200
    return name


def test_a_complaint_leads_to_the_next_picture(client: httpx.Client, talk: str) -> None:
    told = client.post(f"/api/conversations/{talk}/feedback", json={"complaint": "lose the watermark"}).json()
    assert [change["direction"] for change in told["changes"]] == ["avoid"]
    receipt = Receipt.from_dict(told["next"]["receipt"])
    assert receipt.request.seed == 4 and receipt.request.policies == ("quality-floor",)
    avoided = {term.term: term for term in receipt.terms}
    assert "text" in avoided and any("watermark" in term for term in avoided)
    known = client.get(f"/api/conversations/{talk}").json()
    assert [one["status"] for one in known["requests"]] == ["done", "done"]
    assert known["feedback"][0]["said"] == "lose the watermark"
    assert known["feedback"][0]["request"] == told["about"] == known["requests"][0]["id"]
    assert talk in client.get("/api/conversations").json()["conversations"]


def test_what_is_wished_back_is_avoided_no_more(client: httpx.Client, talk: str) -> None:
    told = client.post(
        f"/api/conversations/{talk}/feedback", json={"complaint": "bring the text back"}
    ).json()
    assert [(change["direction"], change["after"]) for change in told["changes"]] == [("allow", None)]
    asked = Receipt.from_dict(told["next"]["receipt"]).request.avoid
    assert isinstance(asked, tuple) and "text" not in [one.term for one in asked]


def test_thumbs_alone_are_kept_and_change_nothing(client: httpx.Client, talk: str) -> None:
    told = client.post(f"/api/conversations/{talk}/feedback", json={"thumbs": "up"}).json()
    assert told["changes"] == [] and told["next"] is None
    assert client.get(f"/api/conversations/{talk}").json()["feedback"][0]["thumbs"] == 1


def test_what_cannot_be_said(client: httpx.Client, talk: str) -> None:
    say = f"/api/conversations/{talk}/feedback"
    assert client.post(say, json={}).status_code == 400
    assert client.post(say, json={"complaint": "x" * 5000}).status_code == 400
    assert client.post(say, json={"complaint": "blurry", "request": "none"}).status_code == 404
    assert client.post("/api/conversations/none/feedback", json={"complaint": "blurry"}).status_code == 404


class Brightness(Judge):
    """Sees a hat in every picture that is brighter at the left, and smoke nowhere."""

    name = "brightness"

    def knows(self, concept: str) -> bool:
        return concept in self.concepts()

    def concepts(self) -> tuple[str, ...]:
        return "hat", "smoke"

    def look(
        self, pictures: Sequence[Image.Image], concepts: Sequence[str]
    ) -> list[tuple[JudgeVerdict, ...]]:
        return [
            tuple(
                JudgeVerdict(
                    concept=one,
                    judge=self.name,
                    verdict="seen" if one == "hat" and hatted(image) else "absent",
                )
                for one in concepts
            )
            for image in pictures
        ]

    def fingerprint(self) -> str:
        return "none"


def hatted(image: Image.Image) -> bool:
    left, right = (image.convert("L").crop(box).resize((1, 1), Image.Resampling.BOX) for box in HALVES)
    return bytes(left.tobytes()) > bytes(right.tobytes())


HALVES = (0, 0, 32, 64), (32, 0, 64, 64)


def test_thumbs_lead_to_the_next_picture_once_they_show_why(
    live: Live, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Judges, "of", lambda self, model: Brightness())
    name, said, told = next(names), [], {}
    for seed in range(60):
        asked = {"prompt": "a house", "seed": seed, "steps": 1, "model": "tiny"}
        made = client.post("/api/generate", params={"conversation": name}, json=asked).json()
        image = Image.open(BytesIO(client.get(made["images"][0]["url"]).content))
        thumbs = "down" if hatted(image) else "up"
        told = client.post(f"/api/conversations/{name}/feedback", json={"thumbs": thumbs}).json()
        said.append(thumbs)
        if told["changes"]:
            break
        assert told["next"] is None
    # Fisher's exact test with Holm's level for two concepts: the first counts at which p is at most 0.025
    down, up = said.count("down"), said.count("up")
    assert 1 / comb(down + up, down) <= 0.025
    (change,) = told["changes"]
    assert (change["term"], change["direction"], change["after"]) == ("hat", "avoid", 1.0)
    assert f"{down} of {down} disliked and 0 of {up} liked" in change["said"]
    terms = Receipt.from_dict(told["next"]["receipt"]).terms
    assert [(one.term, one.source) for one in terms] == [("hat", "feedback")]
    again = client.post(f"/api/conversations/{name}/feedback", json={"thumbs": "down"}).json()
    assert again["changes"] == [] and again["next"] is None  # it is avoided already


# Over the dialects of others: beside their own fields


def terms_of(receipt: Any) -> dict[str, str]:
    return {term.term: term.source for term in Receipt.from_dict(receipt).terms}


def test_a_complaint_over_the_openai_dialect(live: Live) -> None:
    name = next(names)
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="none", max_retries=0) as client:
        first = {"negative_prompt": "text", "conversation": name, "seed": 9, "steps": 2}
        client.images.generate(model="tiny", prompt="a house", extra_body=first)
        more = {"negative_prompt": "smoke", "conversation": name, "complaint": "lose the watermark"}
        reply = client.images.generate(model="tiny", prompt="a red house", extra_body=more)
        assert reply.model_extra is not None
        receipt = Receipt.from_dict(reply.model_extra["negspace"]["receipt"])
        assert (receipt.request.prompt, receipt.request.seed, receipt.steps) == ("a red house", 9, 2)
        assert [term.term for term in receipt.terms] == ["text", "smoke", "watermark"]
        with pytest.raises(openai.BadRequestError, match="say which"):
            client.images.generate(model="tiny", prompt="a house", extra_body={"complaint": "blurry"})
        with pytest.raises(openai.BadRequestError, match="neither up nor down"):
            client.images.generate(
                model="tiny", prompt="a house", extra_body={"thumbs": 3, "conversation": name}
            )


def test_a_complaint_over_the_dialect_of_automatic1111(live: Live) -> None:
    name = next(names)
    address = f"{live.url}/sdapi/v1/txt2img"
    small = {"prompt": "a house", "negative_prompt": "text", "steps": 2, "width": 64, "height": 64}
    first = requests.post(address, json=small, params={"conversation": name}, timeout=60).json()
    asked = small | {"conversation": name, "complaint": "lose the watermark"}
    told = json.loads(requests.post(address, json=asked, timeout=60).json()["info"])
    assert told["negative_prompt"] == "text, watermark"
    assert told["seed"] == json.loads(first["info"])["seed"]
    said = live.service.store.feedback("local", name)
    assert [(one.complaint, one.thumbs) for one in said] == [("lose the watermark", None)]
    client = webuiapi.WebUIApi(baseurl=f"{live.url}/sdapi/v1", sampler="DPM++ 2M", steps=2)
    plain = client.txt2img(prompt="a house", width=64, height=64, steps=2, override_settings={})
    assert isinstance(plain, webuiapi.WebUIApiResult) and plain.info["negative_prompt"] == ""


def test_a_complaint_over_the_dialect_of_hugging_face(live: Live) -> None:
    name = next(names)
    client = InferenceClient(base_url=f"{live.url}/hf/tiny", timeout=60)
    body = {"num_inference_steps": 2, "extra_body": {"conversation": name}}
    client.text_to_image("a house", negative_prompt="text", **body)
    body["extra_body"] |= {"complaint": "lose the watermark"}
    image = client.text_to_image("a house", **body)
    assert set(terms_of(json.loads(image.info["negspace"]))) == {"text", "watermark"}
