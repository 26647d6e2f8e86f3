"""Who is let in before a body is read: no foreign page, and nobody without a key where there are keys."""

from collections.abc import Callable, Collection
from typing import final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from negspace.serve.access.authentication import Authentication, sends_key
from negspace.serve.access.sessions import Sessions
from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import Refusal, forbidden

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""Values of Sec-Fetch-Site that a page of another origin sends."""

_IMAGES = "/api/images/"


@final
class Gate:
    """Refuses a request by its headers alone. Pure ASGI, so that no body is read for a stranger.
    The tenant is then in the state of the request.

    A browser sends keys and cookies of a page's visitor with requests of any other page, so requests that
    change something are accepted from the server's own pages and the origins that the operator names; clients
    that are no browsers send neither Origin nor Sec-Fetch-Site (Fetch standard, section 3.2; Fetch Metadata
    Request Headers, section 2.4).

    Args:
        app: the application behind it.
        authentication: finds the tenant by the headers.
        sessions: of browsers that have signed in. What they change they must send a token for, too.
        origins: further origins whose pages may call, such as "https://shop.example".
        open_paths: paths that need no key.
        refuse: answers a request that is refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        authentication: Authentication,
        sessions: Sessions,
        origins: Collection[str],
        open_paths: Collection[str],
        refuse: Callable[[Scope, Refusal], Response],
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._sessions = sessions
        self._origins = frozenset(origins)
        self._open = frozenset(open_paths)
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._admit(scope)
            except Refusal as refusal:
                response = self._refuse(scope, refusal)
                if scope["method"] not in _READING:
                    response.headers["Connection"] = "close"  # its body is not read
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["method"] not in _READING and self._is_foreign(headers):
            raise forbidden(
                "a page of another origin may change nothing here; the setting `origins` names those that may"
            )
        if scope["path"] not in self._open and not _is_signed(scope):
            scope.setdefault("state", {})
            scope["state"]["tenant"] = self._tenant(scope, headers)

    def _tenant(self, scope: Scope, headers: Headers) -> Tenant:
        """The tenant by a key that is sent, else by the session of a browser."""
        session = None if sends_key(headers) else self._sessions.of(headers)
        if session is None:
            return self._authentication.tenant(headers)
        if scope["method"] not in _READING:
            session.check_csrf(headers)
        scope["state"]["csrf"] = session.csrf
        return self._authentication.of_key(session.key_id)

    def _is_foreign(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") in _FOREIGN_SITES
        return origin not in self._origins and urlsplit(origin).netloc != headers.get("host")


def _is_signed(scope: Scope) -> bool:
    """Whether it asks for a picture by a signed address, which is checked where the picture is read."""
    signed = scope["path"].startswith(_IMAGES) and scope["method"] in _READING
    return signed and "signature" in QueryParams(scope["query_string"])
