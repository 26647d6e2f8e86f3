"""Signing in with a key, and out again; and the files that every page loads."""

from functools import cache
from importlib import resources
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from negspace.serve.access.sessions import LIFETIME, SESSION_COOKIE
from negspace.serve.access.tenants import id_of
from negspace.serve.dialect import Serving
from negspace.serve.refusal import Refusal, not_found
from negspace.serve.studio.pages import SIGN_IN, render

router = APIRouter(include_in_schema=False)

_STATIC: Final = "/studio/static"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@router.get(SIGN_IN)
async def sign_in_page(http: Request) -> Response:
    """The page on which a key is typed."""
    return render(http, "sign_in", why="")


@router.post(SIGN_IN)
async def sign_in(http: Request, service: Serving, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Begin a session with a key."""
    key = key.strip()
    try:
        service.authentication.tenant({**http.headers, "authorization": f"Bearer {key}"})
    except Refusal as refusal:
        return render(http, "sign_in", status=refusal.status, why=str(refusal))
    response = RedirectResponse("/", 303)
    response.set_cookie(
        SESSION_COOKIE,
        service.sessions.begin(id_of(key)),
        max_age=LIFETIME,
        httponly=True,
        samesite="strict",
        secure=http.url.scheme == "https",
    )
    return response


@router.post("/studio/sign-out")
async def sign_out(http: Request, service: Serving) -> Response:
    """End the session."""
    service.sessions.end(http.headers)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@cache
def static_files() -> dict[str, bytes]:
    """The scripts, styles and drawings of the pages by name."""
    folder = resources.files("negspace.serve.studio") / "static"
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


@router.get(f"{_STATIC}/{{name}}")
async def static(name: str) -> Response:
    """A script, a style or a drawing."""
    content = static_files().get(name)
    if content is None:
        raise not_found(f"file {name!r}")
    headers = {"Cache-Control": "max-age=60", "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=_TYPES[name.rpartition(".")[2]], headers=headers)


def open_paths() -> frozenset[str]:
    """What is there for those who have not signed in."""
    return frozenset({SIGN_IN, *(f"{_STATIC}/{name}" for name in static_files())})
