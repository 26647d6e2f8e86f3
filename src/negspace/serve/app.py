"""The application: every dialect on one port."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import Scope

from negspace import __version__
from negspace.errors import NegspaceError
from negspace.plugins import defined_in, plugins
from negspace.serve import clients
from negspace.serve.access.body_limits import BodyLimits
from negspace.serve.access.gate import Gate
from negspace.serve.audit import AuditLog
from negspace.serve.dialect import ClientDialect, native_error, request_schemas
from negspace.serve.refusal import Refusal, refusal_of
from negspace.serve.service import Service
from negspace.serve.studio.router import STUDIO


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
    all_dialects = (*dialects(), STUDIO)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await service.start()
            stack.push_async_callback(service.stop)
            for dialect in all_dialects:
                if dialect.lifespan is not None:
                    await stack.enter_async_context(dialect.lifespan(app))
            yield

    app = FastAPIOffline(title="Negspace", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.service = service
    app.state.dialects = all_dialects
    app.openapi = partial(_described, app, app.openapi)
    _guard(app, service, all_dialects)
    for dialect in all_dialects:
        app.include_router(dialect.router)
    for error in (NegspaceError, RequestValidationError, HTTPException, OperationalError, InterfaceError):
        app.add_exception_handler(error, _error_response)
    _build_routes(app)
    return app


def _build_routes(app: FastAPI) -> None:
    """Have every route built now; FastAPI builds one when it is first compared with a request.

    It sets the filters of warnings aside meanwhile, which is safe only while no other thread does. Here none
    runs yet, a mistake in a route stops the start, and no request waits.
    """
    nowhere = {"type": "http", "method": "GET", "path": "/\0", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


def _guard(app: FastAPI, service: Service, all_dialects: tuple[ClientDialect, ...]) -> None:
    """Put in front of the application what looks at requests before it; what is added last looks first."""
    settings = service.settings
    refuse = partial(_refusal_response, all_dialects, service.audit)
    app.add_middleware(BodyLimits, most=settings.largest_body, seconds=settings.body_seconds, refuse=refuse)
    app.add_middleware(
        Gate,
        authentication=service.authentication,
        sessions=service.sessions,
        origins=settings.origins,
        open_paths=[path for dialect in all_dialects for path in dialect.open_paths],
        refuse=refuse,
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=sorted(settings.origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["*"],
        )


def _described(app: FastAPI, generate: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The OpenAPI document, with the ways in which a key is sent."""
    document = generate()
    components = document.setdefault("components", {})
    components["schemas"] = components.get("schemas", {}) | request_schemas()
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "basic": {"type": "http", "scheme": "basic", "description": "the key as password, or as name"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    document["security"] = [{"bearer": []}, {"basic": []}, {"header": []}]
    return document


def _refusal_response(
    all_dialects: tuple[ClientDialect, ...], audit: AuditLog, scope: Scope, refusal: Refusal
) -> Response:
    """A refusal in the form of the dialect that has the path; the audit log has it too."""
    audit.refused(scope["path"], scope.get("state", {}).get("tenant"), refusal)
    writers = (dialect.error_response for dialect in all_dialects if dialect.serves(scope["path"]))
    return next(writers, native_error)(refusal)


async def _error_response(request: Request, error: Exception) -> Response:
    """An error in the form of the dialect that it happened in."""
    state = request.app.state
    return _refusal_response(state.dialects, state.service.audit, request.scope, _refusal(error))


def _refusal(error: Exception) -> Refusal:
    match error:
        case RequestValidationError():
            return _first_wrong_field(error)
        case HTTPException(status_code=status, detail=detail):
            return Refusal(str(detail), status, "http")
    return refusal_of(error)


def _first_wrong_field(error: RequestValidationError) -> Refusal:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    return Refusal(f"{field}: {first['msg']}"[:500], 422, "field")
