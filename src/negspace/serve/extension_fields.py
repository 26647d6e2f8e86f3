"""Extension fields: Negspace's own request fields, sent by clients of other servers in whatever way they can.

A client that cannot put such a field into its body may send it in the query (`?avoid=hat`), in a header
(`X-Negspace-Avoid: hat`), or as policies after the name of the model (`embedded@brand-acme@quality-floor`).
The body takes precedence over the query, the query over headers; policies from all of them are combined.
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
"""Every extension field with its other names."""

_HEADERS = {"x-negative-prompt": "avoid", "x-policy": "policies"}
_PREFIX = "x-negspace-"
_LISTS = frozenset({"inline", "embeddings", "policies"})
_INTEGERS = frozenset({"steps", "width", "height", "seed", "priority"})
_NUMBERS = frozenset({"scale", "deadline"})
_SUBMIT_ARGUMENTS = ("conversation", "priority", "deadline")
_FEEDBACK = ("complaint", "thumbs")

Thumbs = Literal[1, -1]
_THUMBS: Mapping[str, Thumbs] = {"up": 1, "down": -1}
_CONVERSATION = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True)
class ClientRequest:
    """A request from a client, and how it is to be handled.

    Attributes:
        request: the request.
        given: names of the request's fields that the client sent itself.
        priority, deadline, conversation: as `Service.submit` takes them.
        complaint: about the last picture of the conversation; "" is none.
        thumbs: on it, 1 up, -1 down; None is neither.
    """

    request: Request
    given: frozenset[str]
    priority: int
    deadline: float | None
    conversation: str | None
    complaint: str
    thumbs: Thumbs | None

    @property
    def submit_arguments(self) -> dict[str, Any]:
        """The arguments of `Service.submit` beside the request."""
        return {name: getattr(self, name) for name in _SUBMIT_ARGUMENTS}


def client_request(
    fields: Mapping[str, Any],
    body: Mapping[str, Any],
    query: Mapping[str, str],
    headers: Mapping[str, str],
) -> ClientRequest:
    """The request of a client.

    Args:
        fields: of a Request, read by the dialect from its own fields; None is left out. `model` may have
            policies after its name.
        body: of the HTTP request, where extension fields may be.
        query, headers: of the HTTP request; names of headers in lower case.

    Raises:
        RequestError: a field has an impossible value.
    """
    model, *policies = str(fields.get("model") or "").split("@")
    sources = [_from_headers(headers), _extension_fields(query), _extension_fields(body)]
    merged = {name: value for source in sources for name, value in source.items()}
    for source in sources:
        policies.extend(source.get("policies") or ())
    merged |= {name: value for name, value in fields.items() if value is not None} | {"model": model or None}
    if policies:
        merged["policies"] = tuple(dict.fromkeys(policies))
    arguments, feedback = (
        {name: merged.pop(name, None) for name in names} for names in (_SUBMIT_ARGUMENTS, _FEEDBACK)
    )
    _check_feedback(arguments["conversation"], **feedback)
    given = frozenset(name for name, value in merged.items() if value is not None)
    return ClientRequest(
        request=Request.from_dict(merged),
        given=given,
        priority=int(_number("priority", arguments["priority"], -100, 100) or 0),
        deadline=_number("deadline", arguments["deadline"], 0.001, 86_400),
        conversation=arguments["conversation"],
        complaint=feedback["complaint"] or "",
        thumbs=thumbs_of(feedback["thumbs"]),
    )


def thumbs_of(word: str | None) -> Thumbs | None:
    """Thumbs as a number: 1 for "up", -1 for "down", None for None."""
    return None if word is None else _THUMBS[word]


def _check_feedback(conversation: Any, complaint: Any, thumbs: Any) -> None:
    if conversation is not None and not _CONVERSATION.fullmatch(str(conversation)):
        raise RequestError("conversation: 1 to 64 letters, digits, dots, dashes or underscores")
    if not isinstance(complaint, str | None):
        raise RequestError("complaint: it must be a text")
    if thumbs not in (None, *_THUMBS):
        raise RequestError(f"thumbs: {thumbs!r:.40} is neither up nor down")
    if (complaint or thumbs) and conversation is None:
        raise RequestError("a complaint or thumbs are about a conversation; say which")


def _from_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    short = {_HEADERS[name]: text for name, text in headers.items() if name in _HEADERS}
    prefixed = {
        name.removeprefix(_PREFIX).replace("-", "_"): text
        for name, text in headers.items()
        if name.startswith(_PREFIX)
    }
    return _extension_fields(short) | _extension_fields(prefixed)


def _extension_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The extension fields among some values, each under its first name."""
    return {
        name: _read(name, values[spelling])
        for name, others in NAMES.items()
        for spelling in [other for other in (name, *others) if other in values][:1]
    }


def _read(name: str, text: Any) -> Any:
    """A field; in a query, a header or a form it is text, a JSON value has its own type."""
    if not isinstance(text, str):
        return text
    if name in _LISTS:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name in _INTEGERS or name in _NUMBERS:
        try:
            return int(text) if name in _INTEGERS else float(text)
        except ValueError:
            raise RequestError(f"{name}: {text!r:.60} is not a number") from None
    return text


def _number(name: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise RequestError(f"{name}: {value!r:.60} is not a number from {least:g} to {most:g}")
    return value
