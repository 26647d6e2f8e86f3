"""Signing in with a key: a cookie that scripts cannot read, and a token with every change."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
from playwright.sync_api import Page, expect

from negspace.serve.access.sessions import SESSION_COOKIE
from negspace.serve.access.tenants import KeyFile, read_keys, with_new_key, without_keys, write_keys
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The file of keys, and the key of each tenant."""
    file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    content, acme = with_new_key(KeyFile(), "acme")
    content, zeta = with_new_key(content, "zeta")
    write_keys(file, content)
    return file, {"acme": acme, "zeta": zeta}


@pytest.fixture(scope="module")
def locked(keys: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(ServerSettings(data=tmp_path_factory.mktemp("locked"), keys=keys[0], grace=1)) as running:
        yield running


@contextmanager
def signed_in(live: Live, key: str) -> Iterator[tuple[httpx.Client, str]]:
    """A client with the cookie after signing in, and the token of its pages."""
    with httpx.Client(base_url=live.url, follow_redirects=True) as client:
        page = client.post("/studio/sign-in", data={"key": key})
        yield client, page.text.partition('name="csrf-token" content="')[2].partition('"')[0]


def test_a_stranger_is_sent_to_sign_in(locked: Live) -> None:
    answer = httpx.get(locked.url)
    assert (answer.status_code, answer.headers["location"]) == (303, "/studio/sign-in")
    page = httpx.get(f"{locked.url}/studio/sign-in")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert httpx.get(f"{locked.url}/studio/static/studio.css").status_code == 200
    assert httpx.post(f"{locked.url}/api/studio/plan", json={"prompt": "a"}).status_code == 401


def test_a_wrong_key_is_refused_in_words(locked: Live) -> None:
    answer = httpx.post(f"{locked.url}/studio/sign-in", data={"key": "nsk_00000000_no"})
    assert answer.status_code == 401 and "no key was sent, or an unknown one" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_cookie_is_for_this_server_alone(locked: Live, keys: tuple[Path, dict[str, str]]) -> None:
    answer = httpx.post(f"{locked.url}/studio/sign-in", data={"key": keys[1]["acme"]})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    assert keys[1]["acme"].lower() not in cookie


def test_changes_need_the_token_of_the_page(locked: Live, keys: tuple[Path, dict[str, str]]) -> None:
    body = {"prompt": "a snowman", "avoid": "hat"}
    with signed_in(locked, keys[1]["acme"]) as (client, token), signed_in(locked, keys[1]["acme"]) as other:
        assert len(token) > 30
        assert client.post("/api/plan", json=body).status_code == 403
        wrong = {"X-CSRF-Token": other[1]}
        assert client.post("/api/plan", json=body, headers=wrong).status_code == 403
        assert client.post("/api/plan", json=body, headers={"X-CSRF-Token": token}).status_code == 200


def test_a_foreign_page_cannot_sign_a_visitor_in(locked: Live, keys: tuple[Path, dict[str, str]]) -> None:
    answer = httpx.post(
        f"{locked.url}/studio/sign-in",
        data={"key": keys[1]["acme"]},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403


def test_signing_out_ends_the_session(locked: Live, keys: tuple[Path, dict[str, str]]) -> None:
    with signed_in(locked, keys[1]["zeta"]) as (client, token):
        cookie = f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"
        assert httpx.get(f"{locked.url}/api/jobs", headers={"Cookie": cookie}).status_code == 200
        assert client.post("/studio/sign-out", headers={"X-CSRF-Token": token}).status_code == 200
    assert httpx.get(f"{locked.url}/api/jobs", headers={"Cookie": cookie}).status_code == 401


def test_a_revoked_key_ends_its_sessions(keys: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    file.write_bytes(keys[0].read_bytes())
    settings = ServerSettings(data=tmp_path / "data", keys=file, grace=1)
    with serving(settings) as live, signed_in(live, keys[1]["acme"]) as (client, _):
        assert client.get("/api/jobs").status_code == 200
        write_keys(file, without_keys(read_keys(file), "acme"))
        live.service.authentication._checked = 0.0  # a second has passed
        assert client.get("/api/jobs").status_code == 401


def test_signing_in_and_out_in_a_browser(locked: Live, keys: tuple[Path, dict[str, str]], page: Page) -> None:
    page.goto(locked.url)
    page.get_by_label("Key").fill(keys[1]["acme"])
    page.keyboard.press("Enter")
    expect(page.locator("#prompt")).to_be_visible()
    page.fill("#prompt", "a snowman")
    page.fill("#avoid", "hat")
    expect(page.locator(".term")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
