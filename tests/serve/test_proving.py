"""One proof a tenant; a further tenant's waits for its turn and is not refused."""

import asyncio
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from negspace.serve import proving
from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """Just what a proof takes of a service."""
    nothing: Callable[..., None] = lambda *_: None  # noqa: E731
    quotas = SimpleNamespace(refuse_over=nothing, charge=nothing)
    stand_in = SimpleNamespace(
        rate_limits=SimpleNamespace(admit=nothing),
        quotas=quotas,
        under_way=lambda _: 0.0,
        archive=SimpleNamespace(trial_folder=lambda id: id),
        catalogue=SimpleNamespace(source=lambda name: name),
        store=SimpleNamespace(put_trial=nothing),
    )
    return cast(Service, stand_in)


class SlowProof:
    """A proof that lasts until it is let go."""

    let_go = threading.Event()
    at_work = 0
    most_at_work = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        self.made = 0

    def __enter__(self) -> "SlowProof":
        SlowProof.at_work += 1
        SlowProof.most_at_work = max(SlowProof.most_at_work, SlowProof.at_work)
        return self

    def __exit__(self, *_: object) -> None:
        SlowProof.at_work -= 1

    def __iter__(self) -> Any:
        self.let_go.wait(30)
        return iter(())

    def report(self) -> Any:
        return SimpleNamespace(result=SimpleNamespace(to_json=lambda: "{}"))


def test_proofs_of_several_tenants_take_turns(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "Proof", SlowProof)

    async def prove(name: str) -> str:
        async def report(*_: Any) -> None: ...

        tenant = Tenant(name=name)
        id, _ = await proving.prove(service, tenant, "a cat", "hat", "tiny", {}, 1.0, report)
        return id

    async def whole() -> list[str]:
        several = [asyncio.ensure_future(prove(name)) for name in ("one", "two", "three")]
        while SlowProof.at_work < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(Refusal, match="another proof of yours"):
            await prove("three")
        SlowProof.let_go.set()
        return await asyncio.gather(*several)

    ids = asyncio.run(asyncio.wait_for(whole(), 60))
    assert len(set(ids)) == 3 and SlowProof.most_at_work == 2
    assert not proving._TENANTS
