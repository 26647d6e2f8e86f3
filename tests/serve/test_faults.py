"""The database goes away and comes back, the disk is full, a row is of another version: nothing is lost."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from sqlalchemy.exc import OperationalError

from negspace.errors import OutputError
from negspace.models.files.source import Source
from negspace.serve.jobs import outcomes
from negspace.serve.settings import ServerSettings
from negspace.store import Store
from tests.serve.live import Live, serving

SMALL = {"prompt": "a house", "avoid": "hat", "steps": 1, "seed": 3}
AWAY = OperationalError("", None, Exception("no connection"))
FULL = OutputError("store: no space left on device")


@pytest.fixture
def settings(tiny_sd: Path, tmp_path: Path) -> ServerSettings:
    return ServerSettings(models={"tiny": Source(tiny_sd)}, data=tmp_path / "data", grace=5)


@pytest.fixture
def running(settings: ServerSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setattr(outcomes, "_RETRY", 0.05)
    with serving(settings) as live:
        yield live


@pytest.mark.parametrize("fault", [AWAY, FULL], ids=["database", "disk"])
def test_an_accepted_job_waits_until_it_can_be_stored(
    running: Live, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    finish = Store.finish
    back = threading.Event()
    attempts: list[str] = []

    def failing(store: Store, id: str, *rest: Any) -> None:
        attempts.append(id)
        if not back.is_set():
            raise fault
        finish(store, id, *rest)

    monkeypatch.setattr(Store, "finish", failing)
    with httpx.Client(base_url=running.url, timeout=60) as client:
        id = client.post("/api/generate", params={"reply": "ticket"}, json=SMALL).json()["id"]
        until = time.monotonic() + 30
        while len(attempts) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        assert client.get(f"/api/jobs/{id}").json()["status"] in ("waiting", "running")
        back.set()
        while client.get(f"/api/jobs/{id}").json()["status"] != "done" and time.monotonic() < until:
            time.sleep(0.02)
        done = client.get(f"/api/jobs/{id}").json()
        assert done["status"] == "done" and len(done["images"]) == 1
        assert set(attempts) == {id}


def test_without_a_database_requests_are_put_off(running: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise AWAY

    with httpx.Client(base_url=running.url, timeout=60) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Store, "accept", away)
            patch.setattr(Store, "check", lambda _: (_ for _ in ()).throw(OutputError("gone")))
            reply = client.post("/api/generate", json=SMALL)
            assert reply.status_code == 503 and int(reply.headers["retry-after"]) >= 1
            assert "database" in reply.json()["error"]["message"]
            assert client.get("/readyz").status_code == 503
        assert client.post("/api/generate", json=SMALL).status_code == 200
        assert client.get("/readyz").status_code == 200


def test_a_row_of_another_version_is_set_aside(settings: ServerSettings) -> None:
    with serving(settings) as live, httpx.Client(base_url=live.url, timeout=60) as client:
        made = client.post("/api/generate", json=SMALL).json()["id"]
    with sqlite3.connect(settings.data / "store.db") as database:
        database.execute(
            "INSERT INTO requests (id, tenant, state, priority, accepted, request) "
            """VALUES ('later', 'local', 'accepted', 0, 1.0, '{"prompt": "a house", "of_tomorrow": 1}')"""
        )
    with serving(settings) as live, httpx.Client(base_url=live.url, timeout=60) as client:
        assert client.post("/api/generate", json=SMALL).status_code == 200
        assert made in [job["id"] for job in client.get("/api/jobs").json()["jobs"]]
    with sqlite3.connect(settings.data / "store.db") as database:
        (state,) = database.execute("SELECT state FROM requests WHERE id = 'later'").fetchone()
    assert state == "accepted"  # for the version that can read it


def test_a_damaged_page_is_not_ready(settings: ServerSettings) -> None:
    with serving(settings) as live, httpx.Client(base_url=live.url, timeout=60) as client:
        for seed in range(30):
            request = SMALL | {"prompt": "a house " * 100, "seed": seed}
            assert client.post("/api/generate", params={"reply": "ticket"}, json=request).status_code == 202
    file = settings.data / "store.db"
    content = bytearray(file.read_bytes())
    table = content.index(b"a house a house")
    page = table - table % 4096
    content[page : page + 64] = b"\xff" * 64
    store = Store(settings.data.parent / "sound")
    store.check()
    store.close()
    file.write_bytes(content)
    with pytest.raises(OutputError, match="the database cannot be used"):
        damaged = Store(settings.data)
        try:
            damaged.check()
        finally:
            damaged.close()


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_is_set_changes_no_duration_and_no_deadline(
    running: Live, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    real = time.time
    with httpx.Client(base_url=running.url, timeout=60) as client:
        ticket = client.post("/api/generate", params={"reply": "ticket", "deadline": 60}, json=SMALL)
        monkeypatch.setattr(time, "time", lambda: real() + days * 86_400)
        until = time.monotonic() + 30
        id = ticket.json()["id"]
        while (job := client.get(f"/api/jobs/{id}").json())["status"] != "done" and time.monotonic() < until:
            time.sleep(0.02)
        assert job["status"] == "done" and 0 <= job["seconds"] < 60
        later = client.post("/api/generate", params={"deadline": 60}, json=SMALL | {"seed": 4}).json()
        assert later["status"] == "done" and 0 <= later["seconds"] < 60
