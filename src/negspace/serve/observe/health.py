"""Operations: whether the server lives, whether it takes requests, and what it has counted."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from negspace.serve.clients.dialect import Caller, ClientDialect, Serving
from negspace.serve.refusal import forbidden

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """200 while the process lives."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(service: Serving) -> JSONResponse:
    """200 while requests are taken, else 503."""
    ready = service.ready
    return JSONResponse({"status": "ready" if ready else "stopping"}, 200 if ready else 503)


@router.get("/metrics", response_class=Response)
async def metrics(service: Serving, tenant: Caller) -> Response:
    """Counters in Prometheus's text format, for an administrator."""
    if not tenant.admin:
        raise forbidden("metrics are for an administrator")
    text = service.metrics.text(ready=service.ready, waiting=service.waiting)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


DIALECT = ClientDialect("operations", router, ("/healthz", "/readyz", "/metrics"))
