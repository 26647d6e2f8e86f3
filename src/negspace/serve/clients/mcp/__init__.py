"""The Model Context Protocol: tools for language models, over streamable HTTP at /mcp and over stdio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import final

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from negspace.serve.access.authentication import Authentication
from negspace.serve.clients.dialect import ClientDialect, told_plainly
from negspace.serve.clients.mcp.tools import server_of
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings

PATH = "/mcp"


@final
class Gated:
    """Lets nobody in who is not known, whatever is asked: the tools' own names are for callers alone.

    Args:
        app: what is behind it.
        gate: knows who is known.
    """

    def __init__(self, app: ASGIApp, gate: Authentication) -> None:
        self._app = app
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._gate.tenant(Headers(scope=scope))
        except Refusal as refusal:
            await told_plainly(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


@asynccontextmanager
async def mounted(app: FastAPI) -> AsyncIterator[None]:
    """The tools at their path, for as long as the application runs."""
    service: Service = app.state.service
    server = server_of(service)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        host=service.settings.host,
        max_request_body_size=service.settings.largest_body,
    )
    routes = [
        Route(one.path, Gated(one.endpoint, service.gate)) for one in inner.routes if isinstance(one, Route)
    ]
    app.router.routes.extend(routes)
    try:
        async with server.session_manager.run():
            yield
    finally:
        for route in routes:
            app.router.routes.remove(route)


async def serve_stdio(settings: ServerSettings) -> None:
    """Speak over standard input and output until the input ends.

    Raises:
        NegspaceError: the settings cannot be served.
    """
    service = Service(settings)
    await service.start()
    try:
        await server_of(service).run_stdio_async()
    finally:
        await service.stop()


DIALECT = ClientDialect("MCP", APIRouter(), (PATH,), around=mounted)
