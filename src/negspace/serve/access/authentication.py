"""Who is asking, by the keys of a file, and whether this caller asks too often."""

import hashlib
import hmac
import threading
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from pathlib import Path
from typing import final
from urllib.parse import urlsplit

from negspace.errors import NegspaceError
from negspace.serve.access.keys import KeyFile, id_of, read_keys
from negspace.serve.access.tenants import LOCAL, Tenant
from negspace.serve.refusal import Refusal, forbidden, too_many


@final
class TokenBucket:
    """Holds a minute's worth of requests and is refilled steadily.

    Args:
        rate: requests a minute.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate / 60.0
        self._most = max(rate, 1.0)
        self._left = self._most
        self._seen: float | None = None

    def take(self, now: float) -> float:
        """Take one request out: 0, or the seconds until there is one.

        Args:
            now: in seconds, never less than before.
        """
        passed = 0.0 if self._seen is None else max(0.0, now - self._seen)
        self._seen = now
        self._left = min(self._most, self._left + passed * self._rate)
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_FRESH = 1.0
"""Seconds for which the file of keys is not looked at again."""


@final
class Authentication:
    """Lets tenants in. A changed file of keys is read again, so that keys rotate while the server runs.

    Args:
        file: of tenants and keys; None lets in everyone who reaches this machine by its own loopback name.

    Raises:
        OutputError, RequestError: the file cannot be read.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._looked = 0.0
        self._stamp = 0
        self._known = KeyFile()
        self._buckets: dict[tuple[str, float], TokenBucket] = {}
        if file is not None:
            self._read(file)

    def tenant(self, headers: Mapping[str, str]) -> Tenant:
        """On whose behalf a request comes.

        Args:
            headers: of the request, names in lower case: `authorization` (Bearer, Basic) or `api-key`.

        Raises:
            Refusal: nobody knows.
        """
        if self._file is None:
            if _host(headers) not in LOOPBACK:  # a page elsewhere may have its own name lead here
                raise forbidden("without keys only this machine is let in, by a loopback name")
            return LOCAL
        self._look_again()
        given = _given(headers)
        record = self._known.by_id.get(id_of(given))
        digest = hashlib.sha256(given.encode()).hexdigest()
        if record is None or not hmac.compare_digest(record[1].hash, digest):
            raise Refusal("no key is given, or one that is not known", 401, "key")
        return record[0]

    def named(self, name: str) -> Tenant | None:
        """The tenant of a name; None where there is none any more."""
        if self._file is None:
            return LOCAL if name == LOCAL.name else None
        self._look_again()
        return self._known.by_name.get(name)

    def admit(self, tenant: Tenant, now: float) -> None:
        """Count a request for pictures.

        Raises:
            Refusal: there were too many of the tenant in the last minute.
        """
        if tenant.rate is None:
            return
        with self._lock:
            bucket = self._buckets.setdefault((tenant.name, tenant.rate), TokenBucket(tenant.rate))
            wait = bucket.take(now)
        if wait:
            raise too_many(f"more than {tenant.rate:g} requests a minute", wait)

    def _look_again(self) -> None:
        now = time.monotonic()
        with self._lock:
            if self._file is None or now - self._looked < _FRESH:
                return
            self._looked = now
            try:
                if self._file.stat().st_mtime_ns != self._stamp:
                    self._read(self._file)
            except (
                OSError,
                NegspaceError,
            ):  # half-edited by hand: the last that could be read stays in force
                return

    def _read(self, file: Path) -> None:
        self._known = read_keys(file)
        self._stamp = file.stat().st_mtime_ns


def _host(headers: Mapping[str, str]) -> str | None:
    """The name by which the server was called, without its port."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def _given(headers: Mapping[str, str]) -> str:
    """The key that comes with a request; "" where there is none."""
    scheme, _, rest = headers.get("authorization", "").strip().partition(" ")
    match scheme.lower():
        case "bearer":
            return rest.strip()
        case "basic":
            try:
                user, _, password = b64decode(rest, validate=True).decode().partition(":")
            except (NotBase64, UnicodeDecodeError, ValueError):
                return ""
            return password or user
    return headers.get("api-key", "") or headers.get("x-api-key", "")
