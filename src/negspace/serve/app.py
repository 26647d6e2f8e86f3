"""The application: every dialect on one port. To add one, write its file and put it into `DIALECTS`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from negspace import __version__
from negspace.errors import NegspaceError
from negspace.serve.access.body_limit import BodyLimit
from negspace.serve.clients import a1111, huggingface, mcp, native, openai
from negspace.serve.clients.dialect import ClientDialect, told_plainly
from negspace.serve.observe import health
from negspace.serve.refusal import Refusal, refusal_of
from negspace.serve.service import Service

DIALECTS: tuple[ClientDialect, ...] = (
    health.DIALECT,
    native.DIALECT,
    a1111.DIALECT,
    huggingface.DIALECT,
    mcp.DIALECT,
    openai.DIALECT,
)


def create_app(service: Service) -> FastAPI:
    """The application for a service, which it starts and stops."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            await service.start()
            stack.push_async_callback(service.stop)
            for dialect in DIALECTS:
                if dialect.around is not None:
                    await stack.enter_async_context(dialect.around(app))
            yield

    app = FastAPI(title="Negspace", version=__version__, lifespan=lifespan, redoc_url=None)
    app.state.service = service
    app.state.dialects = DIALECTS
    app.add_middleware(BodyLimit, most=service.settings.largest_body)
    for dialect in DIALECTS:
        app.include_router(dialect.router)
    app.add_exception_handler(NegspaceError, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(HTTPException, _refused)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    """An error, said the way of the dialect that it happened in."""
    path = request.url.path
    told = next((one.told for one in DIALECTS if one.speaks(path)), told_plainly)
    match error:
        case RequestValidationError():
            return told(_of_fields(error))
        case HTTPException(status_code=status, detail=detail):
            return told(Refusal(str(detail), status, "http"))
    return told(refusal_of(error))


def _of_fields(error: RequestValidationError) -> Refusal:
    """The first field that is wrong."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return Refusal(f"{place}: {first['msg']}"[:500], 422, "field")
