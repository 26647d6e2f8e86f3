"""Extension fields: what the clients of other servers can say to this one, by whatever way they have.

A client that cannot send a field of ours in its body may send it in the query (`?avoid=hat`), in a header
(`X-Negspace-Avoid: hat`), or as policies behind the name of the model (`embedded@brand-acme@quality-floor`).
The body comes before the query, the query before headers; policies of all are joined.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from negspace.errors import RequestError
from negspace.request import Request

NAMES: Mapping[str, tuple[str, ...]] = {
    "avoid": ("negative_prompt", "negativePrompt", "negativeText"),
    "rule": ("guidance_rule",),
    "scale": ("guidance_scale", "cfg_scale", "cfgScale"),
    "steps": ("num_inference_steps",),
    "sampler": ("sampler_name",),
    "width": (),
    "height": (),
    "seed": (),
    "dialect": (),
    "reading": (),
    "inline": (),
    "embeddings": (),
    "weighting": (),
    "policies": ("policy",),
    "dtype": (),
    "conversation": ("conversation_id",),
    "priority": (),
    "deadline": (),
    "complaint": ("problem",),
    "thumbs": (),
}
"""Every extension field with the other names it goes by."""

_HEADERS = {"x-negative-prompt": "avoid", "x-policy": "policies"}
_LISTS = frozenset({"inline", "embeddings", "policies"})
_WHOLE = frozenset({"steps", "width", "height", "seed", "priority"})
_NUMBERS = frozenset({"scale", "deadline"})
_ORDER = ("conversation", "priority", "deadline")
_REMARK = ("complaint", "thumbs")

Thumbs = Literal[1, -1]
THUMBS: Mapping[str, Thumbs] = {"up": 1, "down": -1}
"""Thumbs by the words for them."""

_CONVERSATION = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class ClientRequest:
    """A request and how it is to be treated.

    Attributes:
        request: what is asked.
        said: names of the fields of the request that the client says itself.
        priority, deadline, conversation: as `Service.submit` takes them.
        complaint: about the last picture of the conversation; "" is none.
        thumbs: on it, 1 up, -1 down; None is neither.
    """

    request: Request
    said: frozenset[str]
    priority: int
    deadline: float | None
    conversation: str | None
    complaint: str
    thumbs: Thumbs | None

    @property
    def order(self) -> dict[str, Any]:
        """How it is to be treated, as arguments of `Service.submit`."""
        return {name: getattr(self, name) for name in _ORDER}


def asked(
    fields: Mapping[str, Any],
    body: Mapping[str, Any],
    query: Mapping[str, str],
    headers: Mapping[str, str],
    drawn: int | None = None,
) -> ClientRequest:
    """What a client asks for.

    Args:
        fields: of a Request, which the dialect has of its own; `model` may have policies behind its name.
        body: of the HTTP request, where extension fields may stand.
        query, headers: of the HTTP request; names of headers in lower case.
        drawn: the seed where the client says none; None is that of a Request.

    Raises:
        RequestError: a field has an impossible value.
    """
    model, *policies = str(fields.get("model") or "").split("@")
    said = [_in_headers(headers), _in_query(query), _in_body(body)]
    merged = {name: value for one in said for name, value in one.items()}
    for one in said:
        policies.extend(one.get("policies") or ())
    merged = {**merged, **fields, "model": model or None}
    if policies:
        merged["policies"] = tuple(dict.fromkeys(policies))
    order, remark = ({name: merged.pop(name, None) for name in names} for names in (_ORDER, _REMARK))
    conversation = order["conversation"]
    if conversation is not None and not _CONVERSATION.fullmatch(str(conversation)):
        raise RequestError("conversation: 1 to 64 letters, digits, dots, dashes or underscores")
    if not isinstance(remark["complaint"], str | None):
        raise RequestError("complaint: it must be a text")
    if remark["thumbs"] not in (None, *THUMBS):
        raise RequestError(f"thumbs: {remark['thumbs']!r:.40} is neither up nor down")
    if any(remark.values()) and conversation is None:
        raise RequestError("a complaint or thumbs are about a conversation; say which")
    said = frozenset(name for name, value in merged.items() if value is not None)
    if "seed" not in said and drawn is not None:
        merged["seed"] = drawn
    return ClientRequest(
        request=Request.from_dict(merged),
        said=said,
        priority=int(_number("priority", order["priority"], -100, 100) or 0),
        deadline=_number("deadline", order["deadline"], 0.001, 86_400),
        conversation=conversation,
        complaint=remark["complaint"] or "",
        thumbs=None if remark["thumbs"] is None else THUMBS[remark["thumbs"]],
    )


def _in_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a body; a part of a form is text, and one of JSON what it is."""
    return {
        name: _read(name, value) if isinstance(value, str) else value for name, value in _named(body).items()
    }


def _in_query(query: Mapping[str, str]) -> dict[str, Any]:
    return {name: _read(name, value) for name, value in _named(query).items()}


def _in_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    own = {_HEADERS[name]: value for name, value in headers.items() if name in _HEADERS}
    start = "x-negspace-"
    prefixed = {
        name.removeprefix(start).replace("-", "_"): value
        for name, value in headers.items()
        if name.startswith(start)
    }
    return {name: _read(name, value) for name, value in {**own, **_named(prefixed)}.items()}


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """The extension fields among the given ones, under their own names."""
    found: dict[str, Any] = {}
    for name, others in NAMES.items():
        for spelling in (*reversed(others), name):
            if spelling in given:
                found[name] = given[spelling]
    return found


def _read(name: str, text: str) -> Any:
    """A field that came as text."""
    if name in _LISTS:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name in _WHOLE or name in _NUMBERS:
        try:
            return int(text) if name in _WHOLE else float(text)
        except ValueError:
            raise RequestError(f"{name}: {text!r:.60} is no number") from None
    return text


def _number(name: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise RequestError(f"{name}: {value!r:.60} is no number from {least:g} to {most:g}")
    return value
