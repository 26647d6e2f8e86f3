"""Sessions: a browser that has signed in with a key sends a cookie instead of the key."""

import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final, final

from negspace.serve.refusal import forbidden

SESSION_COOKIE: Final = "negspace_session"
LIFETIME: Final = 12 * 3600
"""Seconds after which one must sign in again."""

_CSRF_HEADER = "x-csrf-token"
_MOST = 10_000
"""Sessions at once; one more ends the oldest."""


@dataclass(frozen=True)
class BrowserSession:
    """A browser that has signed in.

    Attributes:
        key_id: of the key; once that is revoked, the session is over.
        csrf: the secret that its pages send with everything that changes something.
        until: moment at which it ends, by the monotonic clock.
    """

    key_id: str
    csrf: str
    until: float

    def check_csrf(self, headers: Mapping[str, str]) -> None:
        """Stop a request that changes something and does not come from a page of this session.

        Raises:
            Refusal: the token is missing or wrong.
        """
        if not hmac.compare_digest(headers.get(_CSRF_HEADER, "").encode(), self.csrf.encode()):
            raise forbidden("the page is too old for this; load it again")


@final
class Sessions:
    """The sessions of this server, which end with it. Of a cookie only its hash is kept. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_hash: dict[str, BrowserSession] = {}

    def begin(self, key_id: str) -> str:
        """Begin a session for a key; the value of its cookie."""
        token = secrets.token_urlsafe(32)
        session = BrowserSession(key_id, secrets.token_urlsafe(32), time.monotonic() + LIFETIME)
        with self._lock:
            while len(self._by_hash) >= _MOST:
                del self._by_hash[next(iter(self._by_hash))]
            self._by_hash[_hash(token)] = session
        return token

    def of(self, headers: Mapping[str, str]) -> BrowserSession | None:
        """The session of a request; None where it has none, or an old one."""
        token = _token_in(headers)
        with self._lock:
            session = self._by_hash.get(_hash(token))
            if session is not None and session.until < time.monotonic():
                del self._by_hash[_hash(token)]
                return None
        return session

    def end(self, headers: Mapping[str, str]) -> None:
        """End the session of a request."""
        with self._lock:
            self._by_hash.pop(_hash(_token_in(headers)), None)


def _token_in(headers: Mapping[str, str]) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[SESSION_COOKIE].value if SESSION_COOKIE in cookies else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
