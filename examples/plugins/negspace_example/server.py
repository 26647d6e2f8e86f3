"""A server dialect of one line: GET /telegram/TEXT is a PNG, without what stands behind " STOP NO "."""

from fastapi import APIRouter, Request, Response

from negspace.request import Request as PictureRequest
from negspace.serve.dialect import Caller, ClientDialect, Serving, finished_unless_gone

router = APIRouter(prefix="/telegram")


@router.get("/{text:path}")
async def send(text: str, service: Serving, tenant: Caller, http: Request) -> Response:
    """The picture of a telegram."""
    prompt, _, avoid = text.partition(" STOP NO ")
    job = await service.submit(PictureRequest(prompt=prompt, avoid=avoid or None, steps=2), tenant)
    finished = await finished_unless_gone(job, http)
    return Response(finished.pictures[0].png, media_type="image/png")


DIALECT = ClientDialect("telegram", router, ("/telegram",))
