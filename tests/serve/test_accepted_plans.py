"""The plan that was accepted is the plan that runs: whatever becomes of files and settings until then."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import torch
from safetensors.torch import save_file

from negspace.models.files.source import Source
from negspace.planning.plan import Plan
from negspace.receipt import Receipt
from negspace.serve.access.tenants import KeyFile, with_new_key, write_keys
from negspace.serve.settings import ServerSettings
from negspace.store import Store
from negspace.store.opening import open_database
from negspace.store.tables import plans
from tests.pictures import gradient, half, text
from tests.policy_files import CHANGES, edited, write_policy
from tests.serve.live import Live, serving

BLOCKER = {"prompt": "a house", "steps": 150, "n": 16}
REQUEST = {"prompt": "a cat", "policies": ["floor"], "steps": 2, "seed": 5}


def settings_in(tiny_sd: Path, folder: Path, **fields: Any) -> ServerSettings:
    """One place for pictures, so that a second job waits for the first; who stops does not finish."""
    settings = {"policies": {"floor": folder / "floor.yaml"}, "lanes": 1, "grace": 0} | fields
    return ServerSettings(models={"tiny": Source(tiny_sd)}, data=folder / "data", **settings)


def client_of(live: Live, key: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.Client(base_url=live.url, timeout=60, headers=headers)


def accepted(client: httpx.Client, fields: dict[str, Any]) -> str:
    """The id of a job that was accepted."""
    reply = client.post("/api/generate", params={"reply": "ticket"}, json=fields)
    assert reply.status_code == 202, reply.text
    return reply.json()["id"]


def ended(client: httpx.Client, id: str) -> httpx.Response:
    """What is answered about a job that has ended."""
    while (reply := client.get(f"/api/jobs/{id}")).json().get("status") in ("waiting", "running"):
        time.sleep(0.02)
    return reply


def receipt_of(client: httpx.Client, id: str) -> Receipt:
    reply = ended(client, id)
    assert reply.status_code == 200, reply.text
    return Receipt.from_dict(reply.json()["receipt"])


def stored_plan(store: Store, id: str) -> Plan:
    return Plan.from_json(store.plan(id) or "")


def check(receipt: Receipt, plan: Plan) -> None:
    """The receipt is of the plan: its terms, where they came from, and everything that was sent."""
    assert [(term.term, term.source, term.origins, term.locked) for term in receipt.terms] == [
        (term.avoid.term, term.avoid.source, term.origins, term.avoid.locked) for term in plan.terms
    ]
    assert [term.term for term in receipt.terms] == ["hat"] and receipt.terms[0].source == "floor@3"
    assert (receipt.positive.text, receipt.negative.text) == (plan.positive, plan.negative)
    assert receipt.request.policies == tuple(REQUEST["policies"])
    assert len(receipt.images) == 1


@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_file_that_changes_while_a_job_waits(
    tiny_sd: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    file = write_policy(tmp_path)
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        blocker, id = accepted(client, BLOCKER), accepted(client, REQUEST)
        plan = stored_plan(live.service.store, id)
        change(file)
        client.delete(f"/api/jobs/{blocker}")
        check(receipt_of(client, id), plan)
        assert stored_plan(live.service.store, id) == plan
        assert [(one.name, one.version) for one in plan.policies] == [("floor", 3)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_file_that_changes_before_a_restart(
    tiny_sd: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    file = write_policy(tmp_path)
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        blocker, id = accepted(client, BLOCKER), accepted(client, REQUEST)
        plan = stored_plan(live.service.store, id)
    change(file)
    left = {"policies": {"floor": file} if change is edited else {}}  # a server refuses to start with another
    with serving(settings_in(tiny_sd, tmp_path, **left)) as live, client_of(live) as client:
        client.delete(f"/api/jobs/{blocker}")
        check(receipt_of(client, id), plan)
        assert stored_plan(live.service.store, id) == plan


def test_a_policy_that_bound_the_tenant_at_acceptance(tiny_sd: Path, tmp_path: Path) -> None:
    write_policy(tmp_path)
    keys, key = with_new_key(KeyFile(), "one")
    write_keys(tmp_path / "free.yaml", keys)
    bound = {"one": keys.tenants["one"].model_copy(update={"policies": ("floor",)})}
    write_keys(tmp_path / "bound.yaml", KeyFile.from_dict({"tenants": bound}))
    before = settings_in(tiny_sd, tmp_path, keys=tmp_path / "bound.yaml")
    with serving(before) as live, client_of(live, key) as client:
        blocker = accepted(client, BLOCKER)
        id = accepted(client, {**REQUEST, "policies": []})
        plan = stored_plan(live.service.store, id)
    after = settings_in(tiny_sd, tmp_path, keys=tmp_path / "free.yaml", policies={})
    with serving(after) as live, client_of(live, key) as client:
        client.delete(f"/api/jobs/{blocker}")
        receipt = receipt_of(client, id)
    assert [(term.term, term.source) for term in receipt.terms] == [("hat", "floor@3")]
    assert receipt.negative.text == plan.negative


def test_a_job_of_an_earlier_version_is_planned_again(
    tiny_sd: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it stored was the plan that clients see, which did not name its model."""
    file = write_policy(tmp_path)
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        blocker, id = accepted(client, BLOCKER), accepted(client, REQUEST)
        shown = stored_plan(live.service.store, id).model_dump(mode="json", exclude={"model", "family"})
    database = open_database(f"sqlite:///{tmp_path / 'data' / 'store.db'}")
    with database.begin() as connection:
        old = Plan.from_dict(shown).to_json()
        connection.execute(plans.update().where(plans.c.request == id).values(plan=old))
        connection.execute(plans.delete().where(plans.c.request == blocker))
    database.dispose()
    edited(file)
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        client.delete(f"/api/jobs/{blocker}")
        receipt = receipt_of(client, id)
    assert [term.source for term in receipt.terms] == ["floor@4", "floor@4"]
    assert caplog.text.count("planned again") == 2


def test_a_picture_to_start_from_is_stored_once(tiny_sd: Path, tmp_path: Path) -> None:
    write_policy(tmp_path)
    start = {"picture": text(gradient()), "mask": text(half()), "strength": 0.8}
    fields = {**REQUEST, "policies": [], "start": start, "steps": 4}
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        blocker, id = accepted(client, BLOCKER), accepted(client, fields)
        plan = live.service.store.plan(id)
        assert plan is not None and live.service.store.unfinished()[1].request.start is not None
        picture = stored_plan(live.service.store, id).request.start
        assert picture is not None and picture.picture.data is None
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        client.delete(f"/api/jobs/{blocker}")
        alike = accepted(client, fields)
        first, second = receipt_of(client, id), receipt_of(client, alike)
    assert first.images[0].sha256 == second.images[0].sha256


@pytest.mark.parametrize("gone", [False, True])
def test_an_embedding_that_changes_while_a_job_waits(tiny_sd: Path, tmp_path: Path, gone: bool) -> None:
    write_policy(tmp_path)
    file = tmp_path / "bad-hands.safetensors"
    save_file({"emb_params": torch.ones(1, 32)}, file)
    settings = settings_in(tiny_sd, tmp_path, embeddings={"hands": file})
    with serving(settings) as live, client_of(live) as client:
        blocker = accepted(client, BLOCKER)
        id = accepted(client, {"prompt": "a cat", "avoid": "bad-hands", "embeddings": ["hands"], "steps": 2})
        if gone:
            file.unlink()
        else:
            save_file({"emb_params": torch.zeros(1, 32)}, file)
        client.delete(f"/api/jobs/{blocker}")
        reply = ended(client, id)
    message = reply.json()["error"]["message"]
    assert reply.status_code == 400 and str(tmp_path) not in message
    assert ("'bad-hands' cannot be read any more" if gone else "'bad-hands' has changed") in message


def test_nothing_is_planned_after_acceptance(
    tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import negspace.generate
    import negspace.serve.catalogue

    write_policy(tmp_path)
    calls: list[str] = []

    def counted(name: str, plan: Callable[..., Plan]) -> Callable[..., Plan]:
        return lambda *given, **fields: calls.append(name) or plan(*given, **fields)

    for module in (negspace.generate, negspace.serve.catalogue):
        monkeypatch.setattr(module, "plan", counted(module.__name__, module.plan))
    with serving(settings_in(tiny_sd, tmp_path)) as live, client_of(live) as client:
        receipt_of(client, accepted(client, REQUEST))
    assert calls == ["negspace.serve.catalogue"]
