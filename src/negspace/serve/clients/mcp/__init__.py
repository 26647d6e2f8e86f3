"""The Model Context Protocol: tools for language models, over streamable HTTP at /mcp and over stdio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import final

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from negspace.serve.access.authentication import Authentication
from negspace.serve.clients.mcp.tools import mcp_server
from negspace.serve.dialect import ClientDialect, native_error
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings

PATH = "/mcp"


@final
class KeyRequired:
    """Refuses requests without a valid key before the tools see them: even their list is for tenants only.

    Args:
        app: the application behind it.
        authentication: of the server.
    """

    def __init__(self, app: ASGIApp, authentication: Authentication) -> None:
        self._app = app
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._authentication.tenant(Headers(scope=scope))
        except Refusal as refusal:
            await native_error(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


@asynccontextmanager
async def mounted(app: FastAPI) -> AsyncIterator[None]:
    """Serve the tools at their path while the application runs."""
    service: Service = app.state.service
    server = mcp_server(service)
    inner = server.streamable_http_app(
        streamable_http_path=PATH,
        host=service.settings.host,
        max_request_body_size=service.settings.largest_body,
    )
    routes = [
        Route(route.path, KeyRequired(route.endpoint, service.authentication))
        for route in inner.routes
        if isinstance(route, Route)
    ]
    app.router.routes.extend(routes)
    try:
        async with server.session_manager.run():
            yield
    finally:
        for route in routes:
            app.router.routes.remove(route)


async def serve_stdio(settings: ServerSettings) -> None:
    """Serve the tools over standard input and output until the input ends.

    Raises:
        NegspaceError: the settings cannot be served.
    """
    service = Service(settings)
    await service.start()
    try:
        await mcp_server(service).run_stdio_async()
    finally:
        await service.stop()


DIALECT = ClientDialect("MCP", APIRouter(), (PATH,), lifespan=mounted)
