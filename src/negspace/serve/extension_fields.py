"""Extension fields: Negspace's own request fields, sent by clients of other servers in whatever way they can.

A client that cannot put such a field into its body may send it in the query (`?avoid=hat`), in a header
(`X-Negspace-Avoid: hat`), or as policies after the name of the model (`embedded@brand-acme@quality-floor`).
The body takes precedence over the query, the query over headers, with a finding where two of them differ;
policies from all of them are combined. A field that is none of these but looks like one is a finding, too.
"""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.request import Request

NAMES: Mapping[str, tuple[str, ...]] = {
    "avoid": ("negative_prompt", "negativePrompt", "negativeText"),
    "rule": ("guidance_rule",),
    "scale": ("true_cfg_scale", "guidance_scale", "cfg_scale", "cfgScale"),
    "guidance": ("distilled_cfg_scale", "distilled_guidance"),
    "other_avoids": (),
    "negative_sizes": (),
    "routes": ("route",),
    "steps": ("num_inference_steps",),
    "sampler": ("sampler_name",),
    "width": (),
    "height": (),
    "fit_size": (),
    "seed": (),
    "dialect": (),
    "reading": (),
    "strict": (),
    "inline": (),
    "embeddings": (),
    "weighting": (),
    "policies": ("policy",),
    "check": (),
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
_OTHER_AVOIDS = ("negative_prompt_2", "negative_prompt_3")
_SPELLINGS = frozenset(name for names in NAMES.items() for name in (names[0], *names[1])) | {*_OTHER_AVOIDS}
_PARTS_OF_OURS = ("neg", "avoid", "polic")
_LISTS = frozenset({"inline", "embeddings", "policies", "routes"})
_SWITCHES = frozenset({"strict", "fit_size"})
_INTEGERS = frozenset({"steps", "width", "height", "seed", "priority"})
_NUMBERS = frozenset({"scale", "guidance", "deadline"})
_SUBMIT_ARGUMENTS = ("conversation", "priority", "deadline")
_TRUE, _FALSE = ("true", "1", "yes", True), ("false", "0", "no", "", False, None)
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
        findings: what of the client's fields is not carried out, or otherwise than it was sent.
    """

    request: Request
    given: frozenset[str]
    priority: int
    deadline: float | None
    conversation: str | None
    complaint: str
    thumbs: Thumbs | None
    findings: tuple[Finding, ...] = ()

    @property
    def submit_arguments(self) -> dict[str, Any]:
        """The arguments of `Service.submit` beside the request."""
        return {name: getattr(self, name) for name in (*_SUBMIT_ARGUMENTS, "findings")}


def client_request(
    fields: Mapping[str, Any],
    body: Mapping[str, Any],
    query: Mapping[str, str],
    headers: Mapping[str, str],
    facts_of: Callable[[str | None], ModelFacts],
    findings_before: Sequence[Finding] = (),
) -> ClientRequest:
    """The request of a client.

    Args:
        fields: of a Request, read by the dialect from its own fields; None is left out. `model` may have
            policies after its name.
        body: of the HTTP request, where extension fields may be: what the dialect does not read itself.
        query, headers: of the HTTP request; names of headers in lower case.
        facts_of: the facts of a model by its name; None is the default model.
        findings_before: of the dialect, on its own fields.

    Raises:
        RequestError: a field has an impossible value; or, with `strict`, there are findings.
    """
    model, *policies = str(fields.get("model") or "").split("@")
    own = {name: value for name, value in fields.items() if value is not None}
    sources = [_from_headers(headers), _extension_fields(query), _extension_fields(body), own]
    merged = {name: value for source in sources for name, value in source.items()} | {"model": model or None}
    for source in sources:
        policies.extend(source.get("policies") or ())
    if policies:
        merged["policies"] = tuple(dict.fromkeys(policies))
    arguments, feedback = (
        {name: merged.pop(name, None) for name in names} for names in (_SUBMIT_ARGUMENTS, _FEEDBACK)
    )
    _check_feedback(arguments["conversation"], **feedback)
    findings = [
        *findings_before,
        *_replaced(sources),
        *_lookalikes(query, headers, body),
        *_adapt(merged, facts_of(model or None)),
    ]
    if merged.pop("strict", None):
        if findings:
            raise RequestError(f"strict: {findings[0].text}")
        merged["reading"] = "strict"
    return ClientRequest(
        request=Request.from_dict(merged),
        given=frozenset(name for name, value in merged.items() if value is not None),
        priority=int(_number("priority", arguments["priority"], -100, 100) or 0),
        deadline=_number("deadline", arguments["deadline"], 0.001, 86_400),
        conversation=arguments["conversation"],
        complaint=feedback["complaint"] or "",
        thumbs=thumbs_of(feedback["thumbs"]),
        findings=tuple(findings),
    )


def _replaced(sources: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """What is sent twice with different values, of which the first source in precedence is taken."""
    for name in NAMES.keys() - {"policies"}:
        values = [source[name] for source in sources if source.get(name) not in (None, "")]
        if any(value != values[-1] for value in values):
            text = f"{name} was sent more than once: {values[-1]!r:.40} is taken, {values[0]!r:.40} is not"
            yield Finding("field-replaced", text)


def _lookalikes(
    query: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, Any]
) -> Iterator[Finding]:
    """Fields with a value that are no extension field, and probably meant to be."""
    prefixed = {_header_name(name): text for name, text in headers.items() if name.startswith(_PREFIX)}
    for name, value in [*body.items(), *query.items(), *prefixed.items()]:
        if name in _SPELLINGS or value in (None, "", False, 0, [], {}):
            continue
        near = difflib.get_close_matches(name.lower(), _SPELLINGS, 1, 0.8)
        if near or name in prefixed or any(part in name.lower() for part in _PARTS_OF_OURS):
            meant = f"; did you mean {near[0]}?" if near else ""
            yield Finding("unknown-field", f"field {name!r:.60} is not known and was not read{meant}")


def _adapt(merged: dict[str, Any], facts: ModelFacts) -> Iterator[Finding]:
    """Fit fields to the model as other programs understand them; what is changed by that is a finding."""
    if merged.get("scale") == 0:
        merged["scale"] = 1.0
        yield Finding("scale-off", "scale 0 means no guidance, which is scale 1 here", level="note")
    if facts.guidance is None and merged.get("guidance") is not None:
        value = merged.pop("guidance")
        yield Finding("not-carried-out", f"guidance {value:g}: {facts.name} takes no guidance number")
    others = tuple(merged.get("other_avoids") or ())
    unread = [text for text in others[max(len(facts.encoders) - 1, 0) :] if text]
    if unread and isinstance(merged.get("avoid"), str | None):
        merged["other_avoids"] = others[: len(facts.encoders) - 1]
        merged["avoid"] = ", ".join(filter(None, [merged.get("avoid"), *unread]))
        count = len(facts.encoders)
        yield Finding(
            "joined-texts", f"{facts.name} has {count} text encoder(s): {', '.join(unread)!r} joins avoid"
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
    prefixed = {_header_name(name): text for name, text in headers.items() if name.startswith(_PREFIX)}
    return _extension_fields(short) | _extension_fields(prefixed)


def _header_name(name: str) -> str:
    return name.removeprefix(_PREFIX).replace("-", "_")


def _extension_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The extension fields among some values, each under its first name."""
    fields = {
        name: _read(name, values[spelling])
        for name, others in NAMES.items()
        for spelling in [other for other in (name, *others) if other in values][:1]
    }
    if "true_cfg_scale" in values and "guidance_scale" in values:
        # Where there is a true scale, as in vLLM-Omni and Qwen-Image, the other is what a model is told.
        fields.setdefault("guidance", _read("guidance", values["guidance_scale"]))
    others = tuple(values.get(name) for name in _OTHER_AVOIDS)
    return fields | ({"other_avoids": others} if any(others) else {})


def _read(name: str, text: Any) -> Any:
    """A field; in a query, a header or a form it is text, a JSON value has its own type."""
    if not isinstance(text, str):
        return text
    if name in _SWITCHES:
        return _truth(name, text)
    if name in _LISTS:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if name in _INTEGERS or name in _NUMBERS:
        try:
            return int(text) if name in _INTEGERS else float(text)
        except ValueError:
            raise RequestError(f"{name}: {text!r:.60} is not a number") from None
    return text


def _truth(name: str, value: object) -> bool:
    if value not in (*_TRUE, *_FALSE):
        raise RequestError(f"{name}: {value!r:.40} is neither true nor false")
    return value in _TRUE


def _number(name: str, value: object, least: float, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise RequestError(f"{name}: {value!r:.60} is not a number from {least:g} to {most:g}")
    return value
