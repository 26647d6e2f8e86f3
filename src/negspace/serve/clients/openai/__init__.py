"""The OpenAI Images dialect: generations and edits, with server-sent events, and models.

The reply contains one more object, `negspace`: the id of the job, the ids of the pictures, the
receipt, and the reply to feedback.
A client that sends no `response_format` gets `b64_json`, or `url` if the model it names is one whose clients
knew nothing else.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse, Response, StreamingResponse

from negspace.errors import RequestError
from negspace.findings import Finding
from negspace.request import Start
from negspace.serve import conversations
from negspace.serve.access.tenants import Tenant
from negspace.serve.clients.openai.bodies import EDIT_FORM, VARIATION_FORM, Generation, read_edit
from negspace.serve.clients.openai.replies import ImagesReply, error_response
from negspace.serve.dialect import (
    Caller,
    ClientDialect,
    Serving,
    base_url,
    delivered,
    finished_unless_gone,
)
from negspace.serve.extension_fields import client_request
from negspace.serve.refusal import not_found
from negspace.serve.service import Service

router = APIRouter(prefix="/v1", tags=["openai"])


@router.post("/images/generations")
async def generations(
    body: Annotated[Generation, Body()], service: Serving, tenant: Caller, http: HttpRequest
) -> Response:
    """Make pictures."""
    return await _make(body, None, body.findings(), "image_generation", service, tenant, http)


@router.post("/images/edits", openapi_extra=EDIT_FORM)
async def edits(service: Serving, tenant: Caller, http: HttpRequest) -> Response:
    """Make a picture from another one; with a mask, only what is transparent in it changes."""
    async with http.form(max_files=17, max_fields=200) as form:
        edit = await read_edit(form)
    if not edit.body.prompt:
        raise RequestError("prompt: it is missing")
    start = await service.read(edit.start)
    return await _make(edit.body, start, edit.findings, "image_edit", service, tenant, http)


@router.post("/images/variations", openapi_extra=VARIATION_FORM)
async def variations(service: Serving, tenant: Caller, http: HttpRequest) -> Response:
    """Make pictures that are like another one: they start from it, and nothing is said of what they show."""
    async with http.form(max_files=17, max_fields=200) as form:
        edit = await read_edit(form)
    start = await service.read(edit.start)
    return await _make(edit.body, start, edit.findings, "image_generation", service, tenant, http)


async def _make(
    body: Generation,
    start: Start | None,
    findings: tuple[Finding, ...],
    event: str,
    service: Service,
    tenant: Tenant,
    http: HttpRequest,
) -> Response:
    fields = body.fields() | {"start": start}
    request = client_request(
        fields, body.model_extra or {}, http.query_params, http.headers, service.catalogue.facts, findings
    )
    previews = (body.partial_images or 0) if body.stream else 0
    by_address = body.by_address(http.query_params.get("response_format"))
    reply = ImagesReply(body, event, by_address, base_url(service, http))
    job = await conversations.submit(service, request, tenant, previews=previews)
    if body.stream:
        return StreamingResponse(reply.stream(job), media_type="text/event-stream")
    return JSONResponse(reply.whole(job, delivered(await finished_unless_gone(job, http)), service))


@router.get("/models")
async def models(service: Serving, tenant: Caller) -> dict[str, Any]:
    """The models the caller may use."""
    return {"object": "list", "data": [_model(name) for name in service.catalogue.models_for(tenant)]}


@router.get("/models/{name:path}")
async def model(name: str, service: Serving, tenant: Caller) -> dict[str, Any]:
    """One model."""
    if name not in service.catalogue.models_for(tenant):
        raise not_found(f"model {name!r}")
    return _model(name)


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "negspace"}


DIALECT = ClientDialect("openai", router, ("/v1",), error_response)
