"""Conversations: what is said about a picture becomes the next one."""

from collections.abc import Iterator
from itertools import count

import httpx2 as httpx
import pytest

from negspace.receipt import Receipt
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
