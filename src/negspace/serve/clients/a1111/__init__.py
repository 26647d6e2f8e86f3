"""The AUTOMATIC1111 dialect, under /sdapi/v1: what its clients send, and replies that they can read.

Policies are its prompt styles; the receipt is in `info`. What a request asks for and is not carried out
stands there too, under `extra_generation_params`.
"""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from negspace.serve.clients.a1111 import generation, lists, png_info, progress
from negspace.serve.clients.a1111.callers import desks
from negspace.serve.clients.dialect import ClientDialect, retry_headers
from negspace.serve.refusal import Refusal

PREFIX = "/sdapi/v1"

router = APIRouter(prefix=PREFIX, tags=["AUTOMATIC1111"])
for part in (generation, progress, lists, png_info):
    router.include_router(part.router)


def told(refusal: Refusal) -> Response:
    """A refusal as AUTOMATIC1111 says its errors."""
    message = str(refusal)
    error = {"error": refusal.code, "detail": message, "body": "", "errors": message}
    return JSONResponse(error, refusal.status, retry_headers(refusal))


DIALECT = ClientDialect("AUTOMATIC1111", router, (PREFIX,), told, desks)
