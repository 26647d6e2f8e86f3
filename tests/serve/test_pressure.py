"""More than can be made, and clients that go away: when to come again is said, what is left stops."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest

from negspace.serve.access.tenants import KeyFile, with_new_key, write_keys
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving

LONG = {"prompt": "a cat", "model": "tiny", "steps": 150}


@pytest.fixture(scope="module")
def narrow(settings: ServerSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with two places and a queue of four, half of which one tenant may have."""
    data = tmp_path_factory.mktemp("narrow")
    with serving(settings.model_copy(update={"data": data, "lanes": 2, "waiting": 4, "grace": 0})) as running:
        yield running


@pytest.fixture
def client(narrow: Live) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=narrow.url, timeout=60) as client:
        yield client


def ended(client: httpx.Client, code: str) -> float:
    """How many jobs ended so."""
    name = f'negspace_jobs_total{{end="{code}"}}'
    lines = dict(
        line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if not line.startswith("#")
    )
    return float(lines.get(name, 0))


def until(client: httpx.Client, code: str, count: float) -> None:
    began = time.monotonic()
    while ended(client, code) < count:
        assert time.monotonic() - began < 60
        time.sleep(0.02)


def test_who_hangs_up_is_left_off(client: httpx.Client) -> None:
    before = ended(client, "cancelled")
    with pytest.raises(httpx.TimeoutException):
        client.post("/api/generate", json=LONG | {"n": 2}, timeout=0.6)
    until(client, "cancelled", before + 1)
    with client.stream("POST", "/api/generate", params={"reply": "events"}, json=LONG) as reply:
        for line in reply.iter_lines():
            if line == "event: progress":
                break
    until(client, "cancelled", before + 2)
    quick = client.post("/api/generate", json=LONG | {"steps": 2})
    assert quick.status_code == 200


def test_a_full_queue_says_when_to_come_again(client: httpx.Client) -> None:
    ids: list[str] = []
    while (reply := client.post("/api/generate", params={"reply": "ticket"}, json=LONG)).status_code == 202:
        ids.append(reply.json()["id"])
        assert len(ids) <= 6
    assert reply.status_code == 429 and int(reply.headers["retry-after"]) >= 1
    assert reply.json()["error"]["code"] == "too-many"
    for id in ids:
        assert client.delete(f"/api/jobs/{id}").json()["status"] in ("cancelling", "deleted")
    for id in ids:
        while (told := client.get(f"/api/jobs/{id}")).json().get("status") in ("waiting", "running"):
            time.sleep(0.02)
        assert told.status_code in (499, 200, 404)


def test_a_queue_that_others_fill_says_so_too(settings: ServerSettings, tmp_path: Path) -> None:
    known, keys = KeyFile(), dict[str, str]()
    for name in ("one", "two", "three"):
        known, keys[name] = with_new_key(known, name)
    write_keys(tmp_path / "keys.yaml", known)
    changed = {
        "data": tmp_path / "data",
        "keys": tmp_path / "keys.yaml",
        "lanes": 1,
        "waiting": 4,
        "grace": 0,
    }

    def asked(live: Live, name: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {keys[name]}"}
        how = {"params": {"reply": "ticket"}, "headers": headers, "timeout": 60}
        return httpx.post(f"{live.url}/api/generate", json=LONG | {"width": 256, "height": 256}, **how)

    with serving(settings.model_copy(update=changed)) as live:
        for name in ("one", "two"):
            while (reply := asked(live, name)).status_code == 202:
                pass
            assert reply.status_code == 429  # a half of the queue is all that one may have
        reply = asked(live, "three")
        assert reply.status_code == 503 and int(reply.headers["retry-after"]) >= 1
        assert reply.json()["error"]["code"] == "busy"


def test_a_deadline_is_kept(client: httpx.Client) -> None:
    reply = client.post("/api/generate", params={"deadline": 0.3}, json=LONG | {"steps": 150, "n": 4})
    assert reply.status_code in (408, 429) and reply.json()["error"]["code"] in ("deadline", "too-many")


def test_what_is_forgotten_is_gone(client: httpx.Client) -> None:
    told = client.post("/api/generate", json=LONG | {"steps": 1}).json()
    assert client.delete(f"/api/jobs/{told['id']}").json()["status"] == "deleted"
    assert client.get(f"/api/jobs/{told['id']}").status_code == 404
    assert client.get(told["images"][0]["url"]).status_code == 404
