"""Authentication: which tenant sends a request, by its key; and pictures opened by a signed address."""

import hashlib
import hmac
import logging
import secrets
import threading
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final
from urllib.parse import urlsplit

from negspace.errors import NegspaceError
from negspace.serve.access.tenants import LOCAL, KeyFile, Tenant, id_of, read_keys
from negspace.serve.refusal import Refusal, forbidden

log = logging.getLogger(__name__)

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_RECHECK = 1.0
"""Seconds after which the file of keys is checked for changes again."""

_LINK_LIFETIME = 3600
"""Seconds for which a signed address is valid."""


@final
class Authentication:
    """Finds the tenant of a request. A changed file of keys is read again while the server runs.

    Args:
        file: of tenants and keys; None admits everyone who calls this machine by a loopback name.
        check: raises a NegspaceError where a tenant's rights name what is not there.

    Raises:
        OutputError, RequestError: the file cannot be read.
        NegspaceError: as `check` raises.
    """

    def __init__(self, file: Path | None, check: Callable[[Tenant], None] = lambda _: None) -> None:
        self._file = file
        self._check = check
        self._lock = threading.Lock()
        self._checked = 0.0
        self._modified = 0
        self._keys = KeyFile()
        if file is not None:
            self._read(file)

    @property
    def has_keys(self) -> bool:
        """Whether a key is needed."""
        return self._file is not None

    def tenant(self, headers: Mapping[str, str]) -> Tenant:
        """The tenant that sends a request.

        Args:
            headers: of the request, names in lower case: `authorization` (Bearer, Basic) or `api-key`.

        Raises:
            Refusal: there is no valid key.
        """
        if self._file is None:
            if _host(headers) not in LOOPBACK:  # DNS rebinding: a foreign page may resolve its name to us
                raise forbidden("without keys, requests are accepted only under a loopback host name")
            return LOCAL
        self._reread_if_changed()
        key = _key_in(headers)
        match = self._keys.by_id.get(id_of(key))
        digest = hashlib.sha256(key.encode()).hexdigest()
        if match is None or not hmac.compare_digest(match[1].hash, digest):
            raise Refusal("no key was sent, or an unknown one", 401, "key")
        return match[0]

    def of_key(self, id: str) -> Tenant:
        """The tenant of a key that was sent before, by the id of the key.

        Raises:
            Refusal: it was revoked.
        """
        self._reread_if_changed()
        match = self._keys.by_id.get(id)
        if match is None:
            raise Refusal("the key was revoked; sign in with another one", 401, "key")
        return match[0]

    def by_name(self, name: str) -> Tenant | None:
        """The tenant of a name; None if there is none any more."""
        if self._file is None:
            return LOCAL if name == LOCAL.name else None
        self._reread_if_changed()
        return self._keys.by_name.get(name)

    def _reread_if_changed(self) -> None:
        now = time.monotonic()
        with self._lock:
            if self._file is None or now - self._checked < _RECHECK:
                return
            self._checked = now
            try:
                if self._file.stat().st_mtime_ns != self._modified:
                    self._read(self._file)
            except FileNotFoundError:  # deleted: nobody is let in until there is one again
                self._keys, self._modified = KeyFile(), 0
            except (OSError, NegspaceError) as error:  # half-edited: the last readable version stays valid
                log.warning("the keys as they were stay valid: %s", error)

    def _read(self, file: Path) -> None:
        modified = file.stat().st_mtime_ns
        keys = read_keys(file)
        for tenant in keys.by_name.values():
            self._check(tenant)
        self._keys, self._modified = keys, modified


def _host(headers: Mapping[str, str]) -> str | None:
    """The name under which the server was called, without its port."""
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def sends_key(headers: Mapping[str, str]) -> bool:
    """Whether a request sends a key, or something in its place."""
    return any(name in headers for name in ("authorization", "api-key", "x-api-key"))


def _key_in(headers: Mapping[str, str]) -> str:
    """The key that is sent with a request; "" if there is none."""
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


@final
class SignedLinks:
    """Addresses of pictures that need no key for an hour, for clients that fetch pictures by address.

    They are signed with a secret that lives as long as the server.
    """

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def query(self, picture: str) -> str:
        """The query string to append to the address of a picture."""
        until = int(time.time()) + _LINK_LIFETIME
        return f"until={until}&signature={self._sign(picture, until)}"

    def valid(self, picture: str, until: int | None, signature: str | None) -> bool:
        """Whether a signature is of this picture and has not expired."""
        if until is None or signature is None or until < time.time():
            return False
        return hmac.compare_digest(self._sign(picture, until).encode(), signature.encode())

    def _sign(self, picture: str, until: int) -> str:
        return hmac.new(self._secret, f"{picture} {until}".encode(), hashlib.sha256).hexdigest()
