"""The bodies of the OpenAI dialect: generations, and parts of edits."""

import asyncio
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from negspace.errors import RequestError
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
        background: only an opaque one is possible.
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
    background: Literal["auto", "opaque"] | None = None
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


async def read_edit(form: FormData) -> tuple[Generation, Start]:
    """The parts of an edit: its fields, and what it starts from.

    Raises:
        RequestError: a part is wrong.
    """
    parts = form.multi_items()
    files = [value for name, value in parts if name in ("image", "image[]") and isinstance(value, UploadFile)]
    mask = next((value for name, value in parts if name == "mask" and isinstance(value, UploadFile)), None)
    if len(files) != 1:
        raise RequestError(f"image: one picture is edited at a time, and {len(files)} were sent")
    texts = {name: value for name, value in parts if isinstance(value, str)}
    try:
        body = Generation.model_validate(texts)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise RequestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    picture_file, mask_file = await files[0].read(), None if mask is None else await mask.read()
    strength = (body.model_extra or {}).get("strength")
    return body, await asyncio.to_thread(_start, picture_file, mask_file, strength)


def _start(picture_file: bytes, mask_file: bytes | None, strength: str | None) -> Start:
    try:
        share = 1.0 if strength is None and mask_file is not None else float(strength or 0.75)
    except ValueError:
        raise RequestError(f"strength: {strength!r:.40} is not a number") from None
    mask = None if mask_file is None else read_holes(mask_file)
    return Start.of(read_picture(picture_file), share, mask)
