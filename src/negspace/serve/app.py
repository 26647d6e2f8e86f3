"""The application: every dialect on one port."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from negspace import __version__
from negspace.errors import NegspaceError
from negspace.plugins import defined_in, plugins
from negspace.serve import clients
from negspace.serve.access.request_limits import BodyLimit
from negspace.serve.dialect import ClientDialect, native_error
from negspace.serve.refusal import Refusal, refusal_of
from negspace.serve.service import Service


def dialects() -> tuple[ClientDialect, ...]:
    """The dialects in `negspace.serve.clients`, and those that other packages add through the entry points
    `negspace.server_dialects`."""
    shipped = {dialect.name: dialect for dialect in defined_in(clients, "DIALECT", ClientDialect)}
    return tuple(plugins("negspace.server_dialects", shipped, _checked).values())


def _checked(plugin: object) -> ClientDialect:
    if not isinstance(plugin, ClientDialect):
        raise ValueError("it is not a ClientDialect")
    return plugin


def create_app(service: Service) -> FastAPI:
    """The application for a service, which it starts and stops."""
    all_dialects = dialects()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await service.start()
            stack.push_async_callback(service.stop)
            for dialect in all_dialects:
                if dialect.lifespan is not None:
                    await stack.enter_async_context(dialect.lifespan(app))
            yield

    app = FastAPI(title="Negspace", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.service = service
    app.state.dialects = all_dialects
    app.add_middleware(BodyLimit, most=service.settings.largest_body)
    for dialect in all_dialects:
        app.include_router(dialect.router)
    for error in (NegspaceError, RequestValidationError, HTTPException):
        app.add_exception_handler(error, _error_response)
    return app


async def _error_response(request: Request, error: Exception) -> Response:
    """An error in the form of the dialect that it happened in."""
    path = request.url.path
    write = next(
        (dialect.error_response for dialect in request.app.state.dialects if dialect.serves(path)),
        native_error,
    )
    match error:
        case RequestValidationError():
            return write(_first_wrong_field(error))
        case HTTPException(status_code=status, detail=detail):
            return write(Refusal(str(detail), status, "http"))
    return write(refusal_of(error))


def _first_wrong_field(error: RequestValidationError) -> Refusal:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return Refusal(f"{field}: {first['msg']}"[:500], 422, "field")
