"""The studio as a dialect of the server: the pages, and the calls that only they make."""

from fastapi import APIRouter

from negspace.serve.dialect import ClientDialect
from negspace.serve.studio import converse, gallery, insights, make, policies, prove, sign_in
from negspace.serve.studio.pages import refused

_router = APIRouter()
for _part in (sign_in, make, gallery, converse, prove, policies, insights):
    _router.include_router(_part.router)

STUDIO = ClientDialect(
    "studio", _router, ("/", "/studio"), refused, prove.lifespan, open_paths=sign_in.open_paths()
)
