"""Whether the server lives, and whether it takes requests."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from negspace.serve.dialect import Dialect, Serving

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


DIALECT = Dialect("operations", router, ("/healthz", "/readyz"))
