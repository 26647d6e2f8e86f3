"""The Model Context Protocol: tools for language models, over streamable HTTP at /mcp and over stdio."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from negspace.serve.dialect import Dialect
from negspace.serve.mcp.tools import server_of
from negspace.serve.service import Service
from negspace.serve.settings import Settings

PATH = "/mcp"


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
    app.router.routes.extend(inner.routes)
    try:
        async with server.session_manager.run():
            yield
    finally:
        for route in inner.routes:
            app.router.routes.remove(route)


async def serve_stdio(settings: Settings) -> None:
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


DIALECT = Dialect("MCP", APIRouter(), (PATH,), around=mounted)
