"""What strangers send: no body, field, name or picture brings the server down, and no answer is a 500."""

import json
import os
import zlib
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from struct import pack
from typing import Any

import httpx2 as httpx
import pytest

from negspace.serve.app import create_app
from tests.serve.live import Live

TRAVELLING = (
    "..%2F..%2Fetc%2Fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "..\\..\\etc\\passwd",
    "%00",
    "x" * 5000,
    "a-0%20OR%201=1",
    "%F0%9F%98%80-0",
)


@pytest.fixture
def client(live: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live.url, timeout=60) as client:
        yield client


def resident() -> int:
    """Memory of this process, where the server lives too, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))


def bomb(side: int) -> bytes:
    """A PNG of some bytes that declares a picture of side x side."""
    head = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    content = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def posts(live: Live) -> list[str]:
    """Every path that takes a body, the tools' among them."""
    paths = create_app(live.service).openapi()["paths"]
    several = sorted(path for path in paths if "requestBody" in paths[path].get("post", {}))
    return [*(path.replace("{model}", "tiny").replace("{id}", "x") for path in several), "/mcp"]


def declared(live: Live, path: str, length: int) -> tuple[int, str]:
    """What is answered to a body of this length of which nothing ever comes."""
    connection = HTTPConnection(live.url.removeprefix("http://"), timeout=60)
    connection.putrequest("POST", path)
    connection.putheader("Content-Length", str(length))
    connection.endheaders()
    reply = connection.getresponse()
    told = reply.read().decode()
    connection.close()
    return reply.status, told


def test_a_body_of_100_mb_is_refused_unread(live: Live, client: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(2**20)

    paths = posts(live)
    assert len(paths) > 8
    before = resident()
    for path in paths:
        status, told = declared(live, path, 100 * 2**20)
        assert status == 413 and "longer than" in told, path
        try:  # a server that has refused need not read on; a client that writes on may notice that first
            reply = client.post(path, content=parts(), headers={"content-type": "application/json"})
        except httpx.WriteError:
            continue
        assert reply.status_code in (400, 413), (path, reply.status_code)  # 400: no form, so not read
    assert resident() - before < 80 * 2**20
    assert client.get("/readyz").status_code == 200


def test_a_picture_that_declares_50000_by_50000(client: httpx.Client) -> None:
    picture = b64encode(bomb(50_000)).decode()
    small = b64encode(bomb(64)).decode()
    files = {"image": ("a.png", bomb(50_000), "image/png")}
    mask = {"image": ("a.png", bomb(64), "image/png"), "mask": ("m.png", bomb(50_000), "image/png")}
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/api/generate", {"json": {"prompt": "a cat", "start": {"picture": picture}}}),
        ("/api/plan", {"json": {"prompt": "a cat", "start": {"picture": picture}}}),
        ("/v1/images/edits", {"files": files, "data": {"prompt": "a cat"}}),
        ("/v1/images/edits", {"files": mask, "data": {"prompt": "a cat"}}),
        ("/sdapi/v1/img2img", {"json": {"prompt": "a cat", "init_images": [picture]}}),
        ("/sdapi/v1/img2img", {"json": {"prompt": "a cat", "init_images": [small], "mask": picture}}),
        ("/sdapi/v1/png-info", {"json": {"image": picture}}),
        ("/hf/tiny", {"json": {"inputs": picture, "parameters": {"prompt": "a cat"}}}),
    ]
    before = resident()
    for path, body in bodies:
        reply = client.post(path, **body)
        assert 400 <= reply.status_code < 500, (path, reply.text)
        assert "too large" in reply.text or "cannot be read" in reply.text, (path, reply.text)
    assert resident() - before < 50 * 2**20


def test_ten_thousand_fields(client: httpx.Client) -> None:
    many = {f"field{number}": number for number in range(10_000)}
    before = resident()
    assert client.post("/api/generate", json={"prompt": "a cat", **many}).status_code == 400
    assert client.post("/api/plan", json={"prompt": "a cat", **many}).status_code == 400
    assert client.post("/hf/tiny", json={"inputs": "a cat", "parameters": many}).status_code == 422
    reply = client.post("/v1/images/edits", data={name: "1" for name in many}, files={"image": b"x"})
    assert reply.status_code == 400
    avoid = [{"term": f"thing {number}"} for number in range(10_000)]
    assert client.post("/api/generate", json={"prompt": "a cat", "avoid": avoid}).status_code == 400
    for path in ("/v1/images/generations", "/sdapi/v1/txt2img"):  # unknown fields are let pass there, some
        reply = client.post(path, json={"prompt": "a cat", "steps": 1, "model": "tiny", **many})
        assert reply.status_code == 400 and "fields" in reply.text, (path, reply.status_code)
    assert client.post("/sdapi/v1/options", json=many).status_code == 400
    assert resident() - before < 50 * 2**20


def test_names_that_travel(live: Live, client: httpx.Client) -> None:
    paths = create_app(live.service).openapi()["paths"]
    named = [(method, path) for path in paths for method in paths[path] if "{" in path]
    assert len(named) >= 10
    before = resident()
    for name in TRAVELLING:
        for method, path in named:
            place = path.replace("{id}", name).replace("{name}", name).replace("{model}", name)
            reply = client.request(method, place, json={"complaint": "blurry", "inputs": "a cat"})
            assert 400 <= reply.status_code < 500 and "root:" not in reply.text, (method, place)
    assert resident() - before < 50 * 2**20


@pytest.mark.parametrize("field", ["model", "policies", "embeddings", "rule", "sampler", "conversation"])
def test_fields_that_travel(client: httpx.Client, field: str) -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..\\..\\x", "a/../../b", "\x00"):
        given: Any = [name] if field in ("policies", "embeddings") else name
        asked: dict[str, Any] = {"prompt": "a cat", "steps": 1, field: given}
        replies = [
            client.post("/v1/images/generations", json=asked),
            client.post("/sdapi/v1/txt2img", params={field: name}, json={"prompt": "a cat", "steps": 1}),
            client.post("/hf/tiny", params={field: name}, json={"inputs": "a cat"}),
        ]
        if field == "conversation":
            replies.append(client.post("/api/generate", params={field: name}, json={"prompt": "a cat"}))
        else:
            replies.append(client.post("/api/generate", json=asked))
        if field == "model":  # the path and the options name the model in these two
            del replies[1:3]
        for reply in replies:
            assert 400 <= reply.status_code < 500 and "root:" not in reply.text, (field, name, reply.text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"prompt": "\\ud800"}',
        b'{"prompt": "a", "seed": 1e400}',
        b'{"prompt": "a", "scale": NaN}',
        b'{"prompt": "a", "n": true}',
        b"[" * 50_000,
        json.dumps({"prompt": "(" * 5000}).encode(),
        json.dumps({"prompt": "a [b:c:0.5]" * 500}).encode(),
        json.dumps({"prompt": "\x00\x01\u202e\ufeff"}).encode(),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_bodies_that_are_none(client: httpx.Client, body: bytes) -> None:
    for path in ("/api/plan", "/v1/images/generations", "/api/conversations/x/feedback"):
        reply = client.post(path, content=body, headers={"content-type": "application/json"})
        assert reply.status_code < 500, reply.text
        if reply.status_code != 200:
            assert "error" in reply.json()


def test_metrics_tell_what_was_made(client: httpx.Client) -> None:
    told = {"prompt": "a cat", "avoid": "hat", "steps": 2, "seed": 91}
    assert client.post("/api/generate", json=told).status_code == 200
    assert client.post("/api/generate", json=told | {"scale": 1.0}).status_code == 200
    lines = dict(
        line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if not line.startswith("#")
    )
    assert float(lines['negspace_evaluations_total{branch="negative"}']) >= 2
    assert float(lines["negspace_inert_negatives_total"]) >= 1 and float(lines["negspace_ready"]) == 1
    assert float(lines["negspace_evaluations_saved_total"]) >= 2
