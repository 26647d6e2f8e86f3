"""What was accepted is not lost: kill -9 at random moments under load, and a signal to stop."""

import random
import signal
import threading
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from negspace import png
from negspace.models.files.source import Source
from negspace.serve.settings import ServerSettings
from negspace.store.opening import open_database
from negspace.store.tables import pictures
from tests.serve.live import Apart, apart


def settings_in(tiny_sd: Path, data: Path, lanes: int = 16) -> ServerSettings:
    return ServerSettings(models={"tiny": Source(tiny_sd)}, data=data, grace=60, lanes=lanes, waiting=40)


def load(server: Apart, accepted: list[str], until: threading.Event, seed: int) -> None:
    """Ask for pictures, as tickets, until told to stop or the server is gone."""
    with httpx.Client(base_url=server.url, timeout=30) as client:
        while not until.is_set():
            seed += 1
            asked = {"prompt": "a red house", "avoid": "hat", "seed": seed, "steps": 2 + seed % 5}
            try:
                reply = client.post("/api/generate", params={"reply": "ticket"}, json=asked)
            except httpx.HTTPError:
                return
            if reply.status_code == 202:
                accepted.append(reply.json()["id"])
            else:
                assert reply.status_code in (429, 503) and int(reply.headers["retry-after"]) >= 1
                time.sleep(0.05)


def kill_and_account(tiny_sd: Path, data: Path, kills: int) -> None:
    chance = random.Random(8)
    accepted: list[str] = []
    for kill in range(kills):
        server = apart(settings_in(tiny_sd, data))
        until = threading.Event()
        clients = [
            threading.Thread(target=load, args=(server, accepted, until, 1000 * kill + 100 * one))
            for one in range(3)
        ]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.05, 1.5))
        server.send(signal.SIGKILL)
        server.process.join(10)
        until.set()
        for client in clients:
            client.join(10)
    account(apart(settings_in(tiny_sd, data)), data, accepted)


def account(server: Apart, data: Path, accepted: list[str]) -> None:
    """Every accepted job ends, with its pictures, and nothing lies about that nobody speaks of."""
    assert accepted
    with httpx.Client(base_url=server.url, timeout=60) as client:
        for id in accepted:
            while (told := client.get(f"/api/jobs/{id}").json()).get("status") in ("waiting", "running"):
                time.sleep(0.05)
            assert told["status"] == "done", told
            for image in told["images"]:
                file = data / "one.png"
                file.write_bytes(client.get(image["url"]).content)
                kept = png.read(file).receipt
                assert kept is not None and kept.to_json() == client.get(image["url"] + "/receipt").text
    server.send(signal.SIGTERM)
    server.process.join(120)
    assert server.process.exitcode in (0, -signal.SIGTERM)
    engine = open_database(f"sqlite:///{data / 'store.db'}")
    with engine.connect() as connection:
        rows = {row.sha256 for row in connection.execute(pictures.select())}
    engine.dispose()
    assert {file.stem for file in data.glob("pictures/*/*")} == rows


def test_killed_now_and_then(tiny_sd: Path, tmp_path: Path) -> None:
    kill_and_account(tiny_sd, tmp_path, 3)


@pytest.mark.slow
def test_killed_fifty_times(tiny_sd: Path, tmp_path: Path) -> None:
    kill_and_account(tiny_sd, tmp_path, 50)


def test_a_signal_to_stop_lets_finish_what_is_under_way(tiny_sd: Path, tmp_path: Path) -> None:
    server = apart(settings_in(tiny_sd, tmp_path, lanes=1))
    asked = {"prompt": "a red house", "avoid": "hat", "steps": 60}
    got: list[httpx.Response] = []
    with httpx.Client(base_url=server.url, timeout=120) as client:
        one = threading.Thread(target=lambda: got.append(client.post("/api/generate", json=asked)))
        one.start()
        time.sleep(0.5)
        server.send(signal.SIGTERM)
        one.join(120)
        server.process.join(120)
        assert server.process.exitcode in (0, -signal.SIGTERM)
        assert got[0].status_code == 200
        with pytest.raises(httpx.HTTPError):
            client.get("/readyz")


def test_what_cannot_be_done_after_a_restart_is_reported(tiny_sd: Path, tmp_path: Path) -> None:
    """The model of a waiting request is gone when the next server starts."""
    before = settings_in(tiny_sd, tmp_path, lanes=1)
    server = apart(before)
    with httpx.Client(base_url=server.url, timeout=60) as client:
        asked = {"prompt": "a red house", "model": "tiny", "steps": 150, "n": 16}
        id = client.post("/api/generate", params={"reply": "ticket"}, json=asked).json()["id"]
    server.send(signal.SIGKILL)
    server.process.join(10)
    later = apart(before.model_copy(update={"models": {"other": Source(tiny_sd)}}))
    with httpx.Client(base_url=later.url, timeout=60) as client:
        told = client.get(f"/api/jobs/{id}")
        assert told.status_code == 400 and "no model is called 'tiny'" in told.json()["error"]["message"]
    later.send(signal.SIGKILL)
    later.process.join(10)
