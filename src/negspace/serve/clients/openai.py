"""The OpenAI Images dialect: generations, with server-sent events, and models; errors in its shape.

The reply carries one more object, `negspace`: the id of the job, the addresses of the pictures, and the
receipt. A client that says no `response_format` gets `b64_json`, or `url` where the model it names is one
that knew nothing else.
"""

import io
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image

from negspace.errors import RequestError
from negspace.receipt import Receipt
from negspace.serve import conversations
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.dialect import Caller, ClientDialect, Serving, retry_headers, unless_gone
from negspace.serve.clients.extensions import asked
from negspace.serve.clients.openai_body import FORM, Generation, edited, own_fields
from negspace.serve.jobs.events import Done, Failed, Finished, Picture, Preview
from negspace.serve.jobs.job import Job
from negspace.serve.refusal import Refusal, not_found
from negspace.serve.service import Service

router = APIRouter(prefix="/v1", tags=["openai"])

_BY_ADDRESS = ("dall-e-2", "dall-e-3")
_SAVED = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


@router.post("/images/generations")
async def generations(
    said: Annotated[Generation, Body()], service: Serving, tenant: Caller, http: HttpRequest
) -> Response:
    """Make pictures."""
    return await _answer(said, own_fields(said), "image_generation", service, tenant, http)


async def _answer(
    said: Generation,
    own: dict[str, Any],
    name: str,
    service: Service,
    tenant: Tenant,
    http: HttpRequest,
) -> Response:
    """Carry out what was asked for, and say it as the client wants it."""
    wish = asked(own, said.model_extra or {}, http.query_params, http.headers)
    previews = (said.partial_images or 0) if said.stream else 0
    job = await conversations.submit(service, wish, tenant, previews=previews)
    reply = Reply(said, name, _by_address(said, http.query_params), str(http.base_url))
    if said.stream:
        return StreamingResponse(reply.stream(job), media_type="text/event-stream")
    return JSONResponse(reply.whole(await unless_gone(job, http), service))


@router.post("/images/edits", openapi_extra=FORM)
async def edits(service: Serving, tenant: Caller, http: HttpRequest) -> Response:
    """Make a picture out of another one; where there is a mask, only what is transparent in it changes."""
    async with http.form(max_files=17, max_fields=200) as form:
        said, start = await edited(form)
    return await _answer(said, own_fields(said) | {"start": start}, "image_edit", service, tenant, http)


@router.get("/models")
async def models(service: Serving, tenant: Caller) -> dict[str, Any]:
    """What may be asked for."""
    known = [name for name in service.catalogue.models if tenant.models is None or name in tenant.models]
    return {"object": "list", "data": [_model(name) for name in known]}


@router.get("/models/{name:path}")
async def model(name: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """One model."""
    if name not in service.catalogue.models or not (tenant.models is None or name in tenant.models):
        raise not_found(f"model {name!r}")
    return _model(name)


class Reply:
    """How pictures are told to a client.

    Args:
        said: what the client asked for.
        name: of the events: "image_generation" or "image_edit".
        by_address: whether pictures come as addresses rather than within the reply.
        base: address of the server, with a slash at the end.
    """

    def __init__(self, said: Generation, name: str, by_address: bool, base: str) -> None:
        self._said = said
        self._name = name
        self._by_address = by_address
        self._base = base

    def whole(self, finished: Finished, service: Service) -> dict[str, Any]:
        """The reply to a request that does not stream."""
        receipt = finished.receipt
        return {
            "created": int(time.time()),
            "data": [self._datum(picture, service) for picture in finished.pictures],
            **self._manner(receipt),
            "usage": _usage(receipt),
            "negspace": _told(finished),
        }

    async def stream(self, job: Job) -> AsyncIterator[str]:
        """The events of a job, which ends with its reader."""
        seen: dict[int, int] = {}
        try:
            async for event in job.events():
                match event:
                    case Preview(index, _, _, png):
                        plan = job.order.plan
                        data = {
                            "b64_json": self._encoded(png),
                            "partial_image_index": seen.setdefault(index, 0),
                            **self._of_size(plan.width, plan.height),
                        }
                        seen[index] += 1
                        yield self._event("partial_image", data)
                    case Done(finished):
                        for picture in finished.pictures:
                            receipt = finished.receipt
                            data = {
                                "b64_json": self._encoded(picture.png),
                                **self._manner(receipt),
                                "usage": _usage(picture.receipt),
                                "negspace": _told(finished),
                            }
                            yield self._event("completed", data)
                    case Failed(why):
                        yield f"event: error\ndata: {json.dumps({'type': 'error', **_error(why)})}\n\n"
                    case _:
                        pass
        finally:
            job.cancel()

    def _event(self, what: str, data: dict[str, Any]) -> str:
        kind = f"{self._name}.{what}"
        return (
            f"event: {kind}\ndata: {json.dumps({'type': kind, 'created_at': int(time.time()), **data})}\n\n"
        )

    def _datum(self, picture: Picture, service: Service) -> dict[str, Any]:
        positive = picture.receipt.positive.text
        revised = {} if positive == self._said.prompt else {"revised_prompt": positive}
        if self._by_address:
            address = f"{self._base}api/images/{picture.id}?{service.links.query(picture.id)}"
            return {"url": address, **revised}
        return {"b64_json": self._encoded(picture.png), **revised}

    def _encoded(self, png: bytes) -> str:
        """A picture in the format that was asked for, as base64."""
        kind = self._said.output_format or "png"
        if kind == "png":
            return b64encode(png).decode()
        buffer = io.BytesIO()
        quality = 100 if self._said.output_compression is None else self._said.output_compression
        Image.open(io.BytesIO(png)).convert("RGB").save(buffer, _SAVED[kind], quality=quality)
        return b64encode(buffer.getvalue()).decode()

    def _manner(self, receipt: Receipt) -> dict[str, Any]:
        return self._of_size(receipt.width, receipt.height)

    def _of_size(self, width: int, height: int) -> dict[str, Any]:
        return {
            "background": "opaque",
            "output_format": self._said.output_format or "png",
            "quality": "high",
            "size": f"{width}x{height}",
        }


def _by_address(said: Generation, query: Mapping[str, str]) -> bool:
    wanted = said.response_format or query.get("response_format")
    if wanted not in (None, "url", "b64_json"):
        raise RequestError(f"response_format: {wanted!r:.40} is neither url nor b64_json")
    if wanted is None:
        return (said.model or "").partition("@")[0] in _BY_ADDRESS
    return wanted == "url"


def _told(finished: Finished) -> dict[str, Any]:
    """What no other server says: the receipt, and where the pictures lie."""
    return {
        "id": finished.id,
        "images": [picture.id for picture in finished.pictures],
        "receipt": json.loads(finished.receipt.to_json()),
    }


def _usage(receipt: Receipt) -> dict[str, Any]:
    """Tokens that were read, and network evaluations as what was put out."""
    read = sum(len(one.tokens) for side in (receipt.positive, receipt.negative) for one in side.tokens)
    made = sum(receipt.evaluations.values())
    return {
        "input_tokens": read,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": read},
        "output_tokens": made,
        "total_tokens": read + made,
    }


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "negspace"}


def _error(refusal: Refusal) -> dict[str, Any]:
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(refusal.status, "invalid_request_error" if refusal.status < 500 else "server_error")
    return {"error": {"message": str(refusal), "type": kind, "param": None, "code": refusal.code}}


def told(refusal: Refusal) -> Response:
    """A refusal as OpenAI's clients read it. What is wrong with a field is 400 there."""
    status = 400 if refusal.status == 422 else refusal.status
    return JSONResponse(_error(refusal), status, retry_headers(refusal))


DIALECT = ClientDialect("openai", router, ("/v1",), told)
