"""What happens before the first request."""

import pytest
from fastapi import routing
from fastapi.testclient import TestClient

from negspace.serve.app import create_app
from tests.serve.live import Live


def test_routes_are_built_before_the_first_request(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastAPI sets filters of warnings aside while it builds one, which no other thread may do meanwhile."""

    def too_late(*_: object, **__: object) -> None:
        raise AssertionError("a request built a route")

    app = create_app(live.service)
    monkeypatch.setattr(routing, "_populate_api_route_state", too_late)
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get("/healthz").status_code == 200
    assert client.get("/nowhere").status_code == 404
