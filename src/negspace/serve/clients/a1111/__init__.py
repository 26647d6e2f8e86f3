"""The AUTOMATIC1111 dialect, under /sdapi/v1: what its clients send, and replies that they can read.

Policies are its prompt styles; the receipt is in `info`. Options that a request sets and that are not
supported are named there too, under `extra_generation_params`.
"""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from negspace.serve.clients.a1111 import generation, lists, progress
from negspace.serve.clients.a1111.progress import caller_states
from negspace.serve.dialect import ClientDialect, refusal_headers
from negspace.serve.refusal import Refusal

PREFIX = "/sdapi/v1"

router = APIRouter(prefix=PREFIX, tags=["AUTOMATIC1111"])
for part in (generation, progress, lists):
    router.include_router(part.router)


def error_response(refusal: Refusal) -> Response:
    """A refusal in the form of AUTOMATIC1111."""
    message = str(refusal)
    error = {"error": refusal.code, "detail": message, "body": "", "errors": message}
    return JSONResponse(error, refusal.status, refusal_headers(refusal))


DIALECT = ClientDialect("AUTOMATIC1111", router, (PREFIX,), error_response, caller_states)
