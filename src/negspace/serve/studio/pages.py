"""What every page of the studio has: its frame, its language, and the headers that keep other code out."""

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from negspace import __version__
from negspace.serve.refusal import Refusal
from negspace.serve.studio.languages import LANGUAGES, preferred, texts

SIGN_IN: Final = "/studio/sign-in"

TABS: Final = (
    ("make", "/"),
    ("converse", "/studio/converse"),
    ("prove", "/studio/prove"),
    ("gallery", "/studio/gallery"),
    ("policies", "/studio/policies"),
    ("insights", "/studio/insights"),
)
"""The tabs by the key of their name, each with its address."""

_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every page: scripts, styles and connections of this server alone, and no page of another in a frame."""

THEMES: Final = ("auto", "light", "dark")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("negspace.serve.studio"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = lambda moment: f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M}"
    return environment


def render(
    request: Request, template: str, *, tab: str = "", status: int = 200, data: Any = None, **values: Any
) -> Response:
    """A page.

    Args:
        request: that asks for it; language and theme come from its cookies.
        template: its file, without `.html`.
        tab: the key of its tab; "" is that of the template.
        status: of HTTP.
        data: for its script, as JSON can hold it.
        values: for its template.
    """
    language = preferred(request.cookies.get("language"), request.headers.get("accept-language", ""))
    theme = request.cookies.get("theme", THEMES[0])
    words = texts(language)
    page = (
        _environment()
        .get_template(f"{template}.html")
        .render(
            t=words,
            tab=tab or template,
            tabs=TABS,
            language=language,
            languages=LANGUAGES,
            theme=theme if theme in THEMES else THEMES[0],
            csrf=getattr(request.state, "csrf", ""),
            tenant=getattr(request.state, "tenant", None),
            version=__version__,
            data={"texts": {key: text for key, text in words.items() if key.startswith("js.")}}
            | (data or {}),
            **values,
        )
    )
    return HTMLResponse(page, status, HEADERS)


def refused(refusal: Refusal) -> Response:
    """A refusal as a page; those who have not signed in are sent there."""
    if refusal.status == 401:
        return RedirectResponse(SIGN_IN, 303)
    page = _environment().get_template("refused.html").render(refusal=refusal)
    return HTMLResponse(page, refusal.status, HEADERS)
