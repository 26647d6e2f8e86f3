"""Strangers at the door: foreign pages, callers without keys, silent and slow connections, and bombs."""

import io
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx2 as httpx
import numpy as np
import pytest
from PIL import Image

from negspace.errors import NegspaceError, RequestError
from negspace.models.files.source import Source
from negspace.pixels import MOST_SCANS, read_picture
from negspace.serve.access.authentication import Authentication
from negspace.serve.access.tenants import KeyFile, with_new_key, write_keys
from negspace.serve.app import create_app
from negspace.serve.observe import RepeatedLines
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving

SHOP = "https://shop.example"
SMALL = {"prompt": "a house", "steps": 1, "seed": 3}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A file of keys, and those of two tenants: acme is bound by a policy of the operator."""
    file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    known, acme = with_new_key(KeyFile(), "acme")
    known = known.with_tenant("acme", known.tenants["acme"].model_copy(update={"policies": ("secret",)}))
    known, other = with_new_key(known, "other")
    write_keys(file, known)
    return file, acme, other


@pytest.fixture(scope="module")
def settings(
    tiny_sd: Path, keys: tuple[Path, str, str], tmp_path_factory: pytest.TempPathFactory
) -> ServerSettings:
    folder = tmp_path_factory.mktemp("gate")
    policy = folder / "secret.yaml"
    policy.write_text(
        "{name: secret, version: 1, explain: Nobody else knows., avoid: [{term: hat, locked: true}]}"
    )
    return ServerSettings(
        models={"tiny": Source(tiny_sd)},
        policies={"secret": policy},
        data=folder / "data",
        keys=keys[0],
        origins=frozenset({SHOP}),
        head_seconds=1.0,
        body_seconds=1.0,
        silent_connections=20,
        grace=5,
    )


@pytest.fixture(scope="module")
def guarded(settings: ServerSettings) -> Iterator[Live]:
    with serving(settings) as live:
        yield live


@pytest.fixture
def acme(guarded: Live, keys: tuple[Path, str, str]) -> Iterator[httpx.Client]:
    with _client(guarded, keys[1]) as client:
        yield client


@pytest.fixture
def other(guarded: Live, keys: tuple[Path, str, str]) -> Iterator[httpx.Client]:
    with _client(guarded, keys[2]) as client:
        yield client


def _client(live: Live, key: str) -> httpx.Client:
    return httpx.Client(base_url=live.url, timeout=60, headers={"Authorization": f"Bearer {key}"})


def _connected(live: Live) -> socket.socket:
    place = urlsplit(live.url)
    assert place.hostname and place.port
    return socket.create_connection((place.hostname, place.port), timeout=30)


# Keys


def test_nothing_but_health_is_open(guarded: Live) -> None:
    app = create_app(guarded.service)
    paths = [*app.openapi()["paths"], "/docs", "/openapi.json", "/mcp", "/static-offline-docs/swagger-ui.css"]
    assert len(paths) > 50
    for path in paths:
        reply = httpx.get(guarded.url + path.replace("{", "x").replace("}", ""), timeout=30)
        assert (reply.status_code == 401) != (path in ("/healthz", "/readyz")), path
        assert (reply.status_code == 401) == ("www-authenticate" in reply.headers), path


def test_a_stranger_is_refused_before_the_body_is_read(guarded: Live) -> None:
    with _connected(guarded) as connection:
        head = "POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n"
        connection.sendall(head.encode())
        reply = connection.recv(65536)
    assert reply.startswith(b"HTTP/1.1 401") and b"connection: close" in reply.lower()


def test_odd_queries_are_no_fault_of_the_server(guarded: Live) -> None:
    for query in ("signature=%C3%94%C3%BE%23&until=false", "signature=\u00ff", "signature=%ff%fe"):
        assert httpx.get(f"{guarded.url}/api/images/h%F0%97?{query}").status_code in (401, 404, 422)


def test_the_openapi_document_names_the_ways_to_send_a_key(acme: httpx.Client) -> None:
    document = acme.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "basic", "header"}
    assert document["security"]
    body = document["paths"]["/api/generate"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Request"}
    assert "prompt" in document["components"]["schemas"]["Request"]["properties"]


def test_the_documentation_asks_nobody_else(acme: httpx.Client) -> None:
    page = acme.get("/docs").text
    assert "http://" not in page and "https://" not in page
    assert acme.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200


def test_a_deleted_file_of_keys_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.serve.access.authentication._RECHECK", 0.0)
    file = tmp_path / "keys.yaml"
    known, key = with_new_key(KeyFile(), "acme")
    write_keys(file, known)
    authentication = Authentication(file)
    headers = {"authorization": f"Bearer {key}"}
    assert authentication.tenant(headers).name == "acme"
    content = file.read_bytes()
    for gone in (file.unlink, lambda: file.write_text("")):
        gone()
        with pytest.raises(Refusal, match="no key"):
            authentication.tenant(headers)
        file.write_bytes(content)
        assert authentication.tenant(headers).name == "acme"


@pytest.mark.parametrize(
    ("rights", "message"), [({"policies": ("secrets",)}, "'secrets'"), ({"models": ("tinny",)}, "'tinny'")]
)
def test_rights_to_what_is_not_there_stop_the_start(
    settings: ServerSettings, tmp_path: Path, rights: dict[str, tuple[str, ...]], message: str
) -> None:
    file = tmp_path / "keys.yaml"
    known, _ = with_new_key(KeyFile(), "acme")
    write_keys(file, known.with_tenant("acme", known.tenants["acme"].model_copy(update=rights)))
    with pytest.raises(NegspaceError, match=message):
        Service(settings.model_copy(update={"keys": file, "data": tmp_path}))


# Policies of others


def test_a_policy_that_binds_others_does_not_exist(acme: httpx.Client, other: httpx.Client) -> None:
    for client, knows in ((acme, True), (other, False)):
        assert ("secret" in client.get("/api/policies").json()["policies"]) == knows
        styles = [style["name"] for style in client.get("/sdapi/v1/prompt-styles").json()]
        assert ("secret" in styles) == knows
        reply = client.post("/api/plan", json=SMALL | {"policies": ["secret"]})
        assert reply.status_code == (200 if knows else 400)
        chosen = client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny@secret"})
        assert chosen.status_code == (200 if knows else 400)
        client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "tiny"})
    none = other.post("/api/plan", json=SMALL | {"policies": ["nothing"]}).json()["error"]["message"]
    hidden = other.post("/api/plan", json=SMALL | {"policies": ["secret"]}).json()["error"]["message"]
    assert hidden.replace("secret", "nothing") == none


# Pages of other origins


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": SHOP}, 200),
        ({"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://shop.example.evil"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_a_foreign_page_changes_nothing(acme: httpx.Client, headers: dict[str, str], status: int) -> None:
    for path in ("/sdapi/v1/interrupt", "/api/plan"):
        assert acme.post(path, json=SMALL, headers=headers).status_code == status, path
    assert acme.get("/api/models", headers=headers).status_code == 200


def test_its_own_pages_may_call(guarded: Live, acme: httpx.Client) -> None:
    assert acme.post("/sdapi/v1/interrupt", headers={"Origin": guarded.url}).status_code == 200


def test_browsers_are_told_which_pages_may_read(acme: httpx.Client, guarded: Live) -> None:
    allowed = acme.get("/api/models", headers={"Origin": SHOP})
    assert allowed.headers["access-control-allow-origin"] == SHOP
    refused = acme.get("/api/models", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in refused.headers
    preflight = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    assert httpx.options(f"{guarded.url}/api/generate", headers=preflight).status_code == 200


# Connections and bodies


def test_silent_connections_leave_room(guarded: Live, acme: httpx.Client) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(_connected(guarded)) for _ in range(60)]
        for number, connection in enumerate(silent):
            if number % 2:
                connection.sendall(b"POST /api/plan HTTP/1.1\r\nHo")
        assert acme.post("/api/plan", json=SMALL).status_code == 200
        began = time.monotonic()
        for connection in silent:
            try:
                assert connection.recv(100) == b""
            except ConnectionResetError:
                continue
        assert time.monotonic() - began < 10


def test_a_kept_connection_may_not_fall_silent_within_a_head(
    guarded: Live, keys: tuple[Path, str, str]
) -> None:
    with _connected(guarded) as connection:
        head = f"GET /api/models HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keys[1]}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1_000_000).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /api/mod")
        began = time.monotonic()
        with pytest.raises(ConnectionResetError):
            while connection.recv(100_000):
                pass
            raise ConnectionResetError
        assert 0.5 < time.monotonic() - began < 10


def test_a_body_that_trickles_is_refused(guarded: Live, keys: tuple[Path, str, str]) -> None:
    with _connected(guarded) as connection:
        head = (
            f"POST /api/plan HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {keys[1]}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"{")
        began = time.monotonic()
        assert connection.recv(65536).startswith(b"HTTP/1.1 408")
        assert 0.5 < time.monotonic() - began < 10


def _jpeg_of_many_scans(copies: int) -> bytes:
    """A progressive JPEG whose scans are repeated."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * copies + content[-2:]


def test_a_jpeg_of_many_scans_is_refused_at_once() -> None:
    assert read_picture(_jpeg_of_many_scans(1)).width == 64
    with pytest.raises(RequestError, match=f"at most {MOST_SCANS}"):
        read_picture(_jpeg_of_many_scans(1500))


# Operations


def test_own_jobs_are_listed(acme: httpx.Client, other: httpx.Client) -> None:
    made = acme.post("/api/generate", json=SMALL).json()["id"]
    jobs = acme.get("/api/jobs").json()["jobs"]
    assert jobs[0]["id"] == made and jobs[0]["status"] == "done" and jobs[0]["ended"] >= jobs[0]["accepted"]
    assert other.get("/api/jobs").json() == {"jobs": []}


def test_the_database_is_for_its_owner_alone(guarded: Live, settings: ServerSettings) -> None:
    for file in settings.data.glob("store.db*"):
        assert file.stat().st_mode & 0o077 == 0, file


def test_a_full_disk_is_not_ready(guarded: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    assert httpx.get(f"{guarded.url}/readyz").status_code == 200
    monkeypatch.setattr("negspace.store.store._LEAST_FREE", 2**62)
    reply = httpx.get(f"{guarded.url}/readyz")
    assert (reply.status_code, reply.json()) == (503, {"status": "not ready"})


def test_refusals_are_audited(guarded: Live, acme: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="negspace.audit"):
        httpx.get(f"{guarded.url}/api/models")
        acme.post("/api/plan", json=SMALL | {"policies": ["nothing"]})
    fields = [vars(record)["fields"] for record in caplog.records if record.name == "negspace.audit"]
    assert {"path": "/api/models", "tenant": None, "status": 401, "code": "key"} in fields
    assert {"path": "/api/plan", "tenant": "acme", "status": 400, "code": "request"} in fields


def test_repeated_lines_are_counted_and_left_out() -> None:
    lines = RepeatedLines(most=3, seconds=10)
    records = [logging.makeLogRecord({"name": "x", "msg": "again %s", "created": at}) for at in range(12)]
    let_through = [record.created for record in records if lines.filter(record)]
    assert let_through == [0, 1, 2, 10, 11]
    assert vars(records[10])["fields"] == {"left_out": 7}
    assert lines.filter(logging.makeLogRecord({"name": "x", "msg": "other", "created": 3}))
