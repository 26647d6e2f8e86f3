"""The tab Converse: a picture, what is wrong with it, and the next one. Its script calls the native API."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from negspace.serve.dialect import Caller, Serving
from negspace.serve.studio.pages import render

router = APIRouter(include_in_schema=False)

_LISTED = 50


@router.get("/studio/converse")
async def page(http: Request, service: Serving, tenant: Caller) -> Response:
    """The page."""
    conversations = await asyncio.to_thread(service.store.conversations, tenant.name)
    return render(
        http,
        "converse",
        conversations=conversations[::-1][:_LISTED],
        models=list(service.catalogue.models_for(tenant)),
        policies=[name for name in service.catalogue.policies_for(tenant) if name not in tenant.policies],
        binding=tenant.policies,
    )
