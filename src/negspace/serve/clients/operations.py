"""For operators: whether the server is alive, whether it accepts requests, and its metrics."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from negspace.serve.dialect import Caller, ClientDialect, Serving
from negspace.serve.refusal import forbidden

router = APIRouter(tags=["operations"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """200 while the process is alive."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(service: Serving) -> JSONResponse:
    """200 while requests are accepted and can be stored, else 503."""
    problem = await service.problem()
    if problem is None:
        return JSONResponse({"status": "ready"})
    status = "stopping" if problem == "stopping" else "not ready"  # why is in the log, not for strangers
    return JSONResponse({"status": status}, 503)


@router.get("/metrics", response_class=Response)
async def metrics(service: Serving, tenant: Caller) -> Response:
    """Metrics in Prometheus's text format, for an administrator."""
    if not tenant.admin:
        raise forbidden("metrics are for an administrator")
    text = service.metrics.text(ready=service.ready, waiting=service.waiting)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


_OPEN = ("/healthz", "/readyz")

DIALECT = ClientDialect("operations", router, (*_OPEN, "/metrics"), open_paths=frozenset(_OPEN))
