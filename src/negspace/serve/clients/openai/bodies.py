"""The bodies of the OpenAI dialect: generations, and parts of edits."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from negspace.errors import RequestError
from negspace.findings import Finding
from negspace.pixels import read_holes, read_picture
from negspace.request import Start
from negspace.serve.access.request_limits import refuse_many_fields

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")
_BY_ADDRESS = ("dall-e-2", "dall-e-3")


def read_size(text: str | None) -> tuple[int | None, int | None]:
    """Width and height in "640x480"; (None, None) for "auto", "" and None, which leave it to the model.

    Raises:
        RequestError: it is none of these.
    """
    if text is None or text in ("", "auto"):
        return None, None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise RequestError(f"size {text!r:.40} is neither WIDTHxHEIGHT nor auto")
    return int(match[1]), int(match[2])


Format = Literal["png", "jpeg", "webp"]

_FILE, _TEXT = {"type": "string", "format": "binary"}, {"type": "string"}
VARIATION_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": _FILE} | dict.fromkeys(("model", "n", "size", "strength"), _TEXT),
                }
            }
        },
    }
}
"""The OpenAPI description of a variation's parts."""

_PARTS = {"image": _FILE, "mask": _FILE} | dict.fromkeys(("prompt", "model", "n", "size", "strength"), _TEXT)
EDIT_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["image", "prompt"], "properties": _PARTS}
            }
        },
    }
}
"""The OpenAPI description of an edit's parts."""


class Generation(BaseModel):
    """The body of a generation. Unknown fields are ignored, as OpenAI's own server does.

    Attributes:
        prompt: what is wanted.
        model: a model, with policies after it: "embedded@brand-acme".
        n: how many pictures.
        size: "WxH" or "auto".
        response_format: pictures by address or in base64.
        output_format, output_compression: of the files; only PNG contains the receipt.
        background: only an opaque one is possible; a transparent one is a finding.
        stream: whether to answer with events.
        partial_images: how many previews of each picture are sent, in a stream.
    """

    model_config = ConfigDict(extra="allow")

    prompt: str
    model: str | None = None
    n: Annotated[int, Field(ge=1, le=10)] | None = None
    size: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    output_format: Format | None = None
    output_compression: Annotated[int, Field(ge=0, le=100)] | None = None
    background: Literal["auto", "opaque", "transparent"] | None = None
    stream: bool | None = None
    partial_images: Annotated[int, Field(ge=0, le=3)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _few_fields(cls, body: object) -> object:
        if isinstance(body, dict):
            refuse_many_fields(body)
        return body

    def fields(self) -> dict[str, Any]:
        """The fields of a Request that are the dialect's own."""
        width, height = read_size(self.size)
        return {
            "prompt": self.prompt,
            "model": self.model,
            "n": self.n or 1,
            "width": width,
            "height": height,
        }

    def findings(self) -> tuple[Finding, ...]:
        """What of it is not carried out."""
        if self.background != "transparent":
            return ()
        return (Finding("not-carried-out", "background transparent: pictures are opaque here"),)

    def by_address(self, response_format: str | None) -> bool:
        """Whether pictures are sent by address instead of in base64.

        Args:
            response_format: in the query, for a body without one.

        Raises:
            RequestError: it is neither url nor b64_json.
        """
        wanted = self.response_format or response_format
        if wanted not in (None, "url", "b64_json"):
            raise RequestError(f"response_format: {wanted!r:.40} is neither url nor b64_json")
        if wanted is None:
            return (self.model or "").partition("@")[0] in _BY_ADDRESS
        return wanted == "url"


@dataclass(frozen=True)
class Edit:
    """An edit or a variation.

    Attributes:
        body: its fields.
        picture, mask: the files; None where there is no mask.
        findings: what of it is not carried out.
    """

    body: Generation
    picture: bytes
    mask: bytes | None
    findings: tuple[Finding, ...]

    def start(self) -> Start:
        """What the picture starts from. Decoding takes a while, so no event loop may call it.

        Raises:
            RequestError: a file is no picture, or the strength no number.
        """
        strength = (self.body.model_extra or {}).get("strength")
        try:
            share = 1.0 if strength is None and self.mask is not None else float(strength or 0.75)
        except ValueError:
            raise RequestError(f"strength: {strength!r:.40} is not a number") from None
        mask = None if self.mask is None else read_holes(self.mask)
        return Start.of(read_picture(self.picture), share, mask)


async def read_edit(form: FormData) -> Edit:
    """The parts of an edit, or of a variation, which has no prompt.

    Raises:
        RequestError: a part is wrong.
    """
    parts = form.multi_items()
    files = [value for name, value in parts if name in ("image", "image[]") and isinstance(value, UploadFile)]
    mask = next((value for name, value in parts if name == "mask" and isinstance(value, UploadFile)), None)
    if not files:
        raise RequestError("image: no picture was sent")
    texts = {"prompt": ""} | {name: value for name, value in parts if isinstance(value, str)}
    try:
        body = Generation.model_validate(texts)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise RequestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    findings = body.findings()
    if len(files) > 1:
        text = f"image: {len(files)} pictures were sent; the first is the start, the others are not used"
        findings = (*findings, Finding("not-carried-out", text))
    return Edit(body, await files[0].read(), None if mask is None else await mask.read(), findings)
