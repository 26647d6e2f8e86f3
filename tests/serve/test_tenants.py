"""Tenants: who is let in, what binds them, and that none sees anything of another, on any route."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastapi.routing import APIRoute
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from negspace.cli.app import run
from negspace.models.files.source import Source
from negspace.serve.access.authentication import Authentication
from negspace.serve.access.request_limits import TokenBucket
from negspace.serve.access.tenants import KeyFile, read_keys, with_new_key, without_keys, write_keys
from negspace.serve.app import create_app
from negspace.serve.refusal import Refusal
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving

PUBLIC = {"/healthz", "/readyz"}
ASKED: dict[str, Any] = {"prompt": "a tree in a boat", "avoid": "hat", "seed": 77}


@dataclass(frozen=True)
class House:
    """A server with keys, and what one tenant has in it."""

    live: Live
    keys: dict[str, str]
    job: str
    image: str

    def client(self, tenant: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.keys[tenant]}"} if tenant else {}
        return httpx.Client(base_url=self.live.url, timeout=60, headers=headers)


@pytest.fixture(scope="module")
def house(tiny_sd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    known, keys = KeyFile(), {}
    for name in ("one", "two", "boss", "bound", "slow", "poor"):
        known, keys[name] = with_new_key(known, name)
    more: dict[str, dict[str, Any]] = {
        "boss": {"admin": True},
        "bound": {
            "policies": ("floor",),
            "models": ("tiny",),
            "most_steps": 4,
            "most_pictures": 2,
            "largest": 4096,
        },
        "slow": {"rate": 2},
        "poor": {"quota": 10},
    }
    known = KeyFile.from_dict(
        {"tenants": {name: one.model_copy(update=more.get(name, {})) for name, one in known.tenants.items()}}
    )
    write_keys(folder / "keys.yaml", known)
    policy = {"name": "floor", "version": 3, "explain": "No hats.", "locked": True}
    policy["avoid"] = ["hat", {"term": "smoke", "check": "block", "unchecked": "deliver"}]
    (folder / "floor.yaml").write_text(json.dumps(policy))
    settings = ServerSettings(
        models={"tiny": Source(tiny_sd), "other": Source(tiny_sd)},
        policies={"floor": folder / "floor.yaml"},
        data=folder / "data",
        keys=folder / "keys.yaml",
    )
    with serving(settings) as live:
        with httpx.Client(base_url=live.url, timeout=60) as client:
            told = client.post(
                "/api/generate",
                params={"conversation": "talk"},
                json=ASKED,
                headers={"Authorization": f"Bearer {keys['one']}"},
            ).json()
        yield House(live, keys, told["id"], told["images"][0]["id"])


def routes(house: House) -> list[tuple[str, str]]:
    """Every (method, path) of the application, filled in with what is the first tenant's."""
    app = create_app(house.live.service)
    filled: list[tuple[str, str]] = []

    def walk(several: list[Any]) -> None:
        for route in several:
            if isinstance(route, APIRoute):
                id = (
                    house.image
                    if "images" in route.path
                    else "talk"
                    if "conversations" in route.path
                    else house.job
                )
                path = route.path
                for name in route.param_convertors:
                    path = path.replace("{" + name + ":path}", id).replace("{" + name + "}", id)
                filled.extend((method, path) for method in sorted(route.methods or ()))
            elif getattr(route, "routes", None):
                walk(route.routes)

    walk([*app.routes, *(route for one in app.state.dialects for route in one.router.routes)])
    return sorted(set(filled))


def test_every_route_asks_for_a_key(house: House) -> None:
    found = routes(house)
    assert len(found) > 15
    with house.client("") as client:
        for method, path in found:
            reply = client.request(method, path, json={})
            assert (reply.status_code == 200 and path in PUBLIC) or reply.status_code == 401, (method, path)
        wrong = client.get("/api/models", headers={"Authorization": f"Bearer {house.keys['one'][:-1]}"})
        assert wrong.status_code == 401


def test_no_route_shows_or_deletes_what_is_anothers(house: House) -> None:
    with house.client("two") as stranger, house.client("one") as owner:
        for method, path in routes(house):
            reply = stranger.request(method, path, json={"complaint": "blurry"})
            own = [house.job, house.image, "talk"]
            if any(f"/{id}" in path for id in own):
                missing = (404,) if path.startswith(("/api", "/v1")) else (404, 422)
                assert reply.status_code in missing, (method, path, reply.text)
            for secret in (house.job, ASKED["prompt"]):
                assert secret not in reply.text.replace(repr(house.job), "").replace(repr(house.image), ""), (
                    method,
                    path,
                )
        assert owner.get(f"/api/images/{house.image}").status_code == 200
        assert owner.get("/api/conversations/talk").json()["feedback"] == []


def test_an_administrator_sees_all(house: House) -> None:
    with house.client("boss") as boss:
        assert boss.get(f"/api/jobs/{house.job}").json()["status"] == "done"
        assert boss.get(f"/api/images/{house.image}").status_code == 200
        assert boss.get("/metrics").status_code == 200
    with house.client("two") as other:
        assert other.get("/metrics").status_code == 403


def test_basic_and_api_key_open_too(house: House) -> None:
    key = house.keys["two"]
    basic = b64encode(f"two:{key}".encode()).decode()
    with house.client("") as client:
        for headers in ({"Authorization": f"Basic {basic}"}, {"api-key": key}):
            assert client.get("/api/policies", headers=headers).status_code == 200
        for headers in ({"Authorization": "Basic ???"}, {"api-key": "nsk_"}, {"Authorization": "Bearer"}):
            assert client.get("/api/policies", headers=headers).status_code == 401


def test_policies_and_limits_bind(house: House) -> None:
    with house.client("bound") as client:
        assert client.get("/api/policies").json()["binding"] == ["floor"]
        made = client.post("/api/generate", json={"prompt": "a house", "avoid": "blurry"}).json()
        terms = {term["term"]: term for term in made["receipt"]["terms"]}
        assert terms["hat"]["source"] == "floor@3" and terms["hat"]["locked"]
        planned = client.post("/api/plan", json={"prompt": "a house"}).json()
        assert [one["name"] for one in planned["policies"]] == ["floor"]
        refused = client.post("/api/generate", json={"prompt": "a house with smoke"})
        assert refused.status_code == 400 and refused.json()["error"]["code"] == "policy"
        assert client.post("/api/generate", json={"prompt": "a", "model": "other"}).status_code == 403
        for fields in ({"steps": 5}, {"n": 3}, {"width": 128, "height": 128}):
            assert client.post("/api/generate", json={"prompt": "a", **fields}).status_code == 400
        assert list(client.get("/api/models").json()["models"]) == ["tiny"]


def test_a_rate_and_a_quota_say_when_to_come_again(house: House) -> None:
    with house.client("slow") as client:
        got = [client.post("/api/generate", json={"prompt": "a", "steps": 1}) for _ in range(3)]
        assert [one.status_code for one in got] == [200, 200, 429]
        assert 1 <= int(got[2].headers["retry-after"]) <= 30
    with house.client("poor") as client:
        got = [
            client.post("/api/generate", json={"prompt": "a", "avoid": "hat", "steps": 4}) for _ in range(2)
        ]
        assert [one.status_code for one in got] == [200, 429]
        assert int(got[1].headers["retry-after"]) <= 86_400 and "8 of 10" in got[1].json()["error"]["message"]


def test_a_signed_address_opens_one_picture(house: House) -> None:
    query = house.live.service.signed_links.query(house.image)
    with house.client("") as client:
        assert client.get(f"/api/images/{house.image}?{query}").status_code == 200
        other = house.image[:-1] + "1"
        assert client.get(f"/api/images/{other}?{query}").status_code == 401
        assert client.get(f"/api/images/{house.image}?until=1&signature=x").status_code == 401


def test_keys_rotate_while_the_server_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.yaml"
    for arguments in (["add", "one"], ["add", "one"], ["add", "two", "--admin"]):
        assert run(["keys", *arguments, "--keys", str(file)]) == 0
    first, second, _ = capsys.readouterr().out.split()
    assert first not in file.read_text() and file.stat().st_mode & 0o077 == 0
    authentication = Authentication(file)
    assert authentication.tenant({"authorization": f"Bearer {first}"}).name == "one"
    assert run(["keys", "revoke", "one", first.split("_")[1], "--keys", str(file)]) == 0
    authentication._checked = 0.0  # noqa: SLF001
    with pytest.raises(Refusal):
        authentication.tenant({"api-key": first})
    assert authentication.tenant({"api-key": second}).name == "one"
    assert run(["keys", "rotate", "one", "--keys", str(file)]) == 0
    assert run(["keys", "list", "--json", "--keys", str(file)]) == 0
    told = capsys.readouterr().out
    assert (
        len(read_keys(file).tenants["one"].keys) == 1 and json.loads(told[told.index("{") :])["two"]["admin"]
    )
    file.write_text("tenants: {one: {admn: true}}")
    authentication._checked = 0.0  # noqa: SLF001
    assert authentication.by_name("two") is not None  # the last that could be read stays in force
    assert run(["keys", "list", "--keys", str(file)]) == 2
    assert run(["keys", "revoke", "three", "--keys", str(tmp_path / "none.yaml")]) == 2


def test_without_keys_only_a_loopback_name_is_let_in() -> None:
    authentication = Authentication(None)
    for host in ("localhost:8000", "127.0.0.1", "[::1]:80"):
        assert authentication.tenant({"host": host}).admin
    for host in ("evil.example", "127.0.0.1.evil.example:80", "", "[::1", "10.0.0.1"):
        with pytest.raises(Refusal):
            authentication.tenant({"host": host})


def test_a_bucket_fills_again() -> None:
    bucket = TokenBucket(2)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    assert bucket.take(0.0) == 30.0 and bucket.take(15.0) == 15.0 and bucket.take(30.0) == 0.0


def test_no_key_is_left_of_a_tenant_that_lost_all() -> None:
    known, _ = with_new_key(KeyFile(), "one")
    assert without_keys(known, "one").tenants["one"].keys == ()


# The tools of the Model Context Protocol are one route that routers do not describe


def talk(house: House, tenant: str, tool: str, **arguments: Any) -> CallToolResult:
    """What a tool answers a tenant."""

    async def said() -> CallToolResult:
        headers = {"Authorization": f"Bearer {house.keys[tenant]}"}
        async with httpx.AsyncClient(headers=headers, timeout=60) as http:
            async with Client(streamable_http_client(f"{house.live.url}/mcp", http_client=http)) as client:
                return await client.call_tool(tool, arguments)

    return asyncio.run(asyncio.wait_for(said(), 60))


def test_the_tools_ask_for_a_key(house: House) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    for method in ("GET", "POST", "DELETE"):
        with house.client("") as client:
            reply = client.request(method, "/mcp", json=asked)
            assert reply.status_code == 401 and reply.json()["error"]["code"] == "key"


def test_no_tool_shows_or_changes_what_is_anothers(house: House) -> None:
    for tool, more in (
        ("explain_image", {}),
        ("report_problem", {"problem": "blurry"}),
        ("report_problem", {"thumbs": "down", "conversation": "talk"}),
    ):
        told = talk(house, "two", tool, image_id=house.image, **more)
        assert told.is_error and "there is no picture" in str(told.content)
        assert ASKED["prompt"] not in str(told)
    assert not talk(house, "one", "explain_image", image_id=house.image).is_error
    assert not talk(house, "boss", "explain_image", image_id=house.image).is_error
    with house.client("one") as owner:
        assert owner.get("/api/conversations/talk").json()["feedback"] == []


def test_limits_and_quotas_bind_the_tools_too(house: House) -> None:
    over = talk(house, "bound", "generate_image", prompt="a cat", steps=5)
    assert over.is_error and "at most 4" in str(over.content)
    spent = talk(house, "poor", "prove_negative", prompt="a cat", avoid="hat", steps=50)
    assert spent.is_error and "of 10 evaluations" in str(spent.content)


def test_trials_are_their_owners(house: House) -> None:
    house.live.service.store.put_trial("trial-1", "one", '{"answer": "secret"}')
    with house.client("two") as other, house.client("one") as owner:
        assert other.get("/api/trials").json() == {"trials": []}
        for method in ("GET", "DELETE"):
            assert other.request(method, "/api/trials/trial-1").status_code == 404
        assert owner.get("/api/trials").json() == {"trials": ["trial-1"]}
        assert owner.get("/api/trials/trial-1").json() == {"answer": "secret"}
        assert owner.delete("/api/trials/trial-1").json()["status"] == "deleted"
        assert owner.get("/api/trials/trial-1").status_code == 404
