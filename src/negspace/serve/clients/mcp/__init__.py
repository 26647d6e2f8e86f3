"""The Model Context Protocol: tools for language models, over streamable HTTP at /mcp and over stdio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import Route

from negspace.serve.clients.mcp.tools import mcp_server
from negspace.serve.dialect import ClientDialect
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings

PATH = "/mcp"


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
    routes = [route for route in inner.routes if isinstance(route, Route)]
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
