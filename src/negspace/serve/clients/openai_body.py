"""The bodies of the OpenAI dialect: generations, and parts of edits."""

import asyncio
import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from negspace.errors import RequestError
from negspace.pixels import read_holes, read_picture
from negspace.request import Start
from negspace.serve.access.limits import refuse_many_fields

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")


def read_size(text: str | None) -> tuple[int | None, int | None]:
    """Width and height in "640x480"; (None, None) for "auto", "" and nothing, which leave it to the model.

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
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["image", "prompt"], "properties": _PARTS}
            }
        },
    }
}
"""The parts of an edit, as its description has them."""


class Generation(BaseModel):
    """What a client asks for. Fields that mean nothing here are let pass, as OpenAI's own server does.

    Attributes:
        prompt: what is wanted.
        model: a model, with policies behind it: "embedded@brand-acme".
        n: how many pictures.
        size: "WxH" or "auto".
        response_format: how pictures come.
        output_format, output_compression: of the files; only PNG carries the receipt inside.
        background: only an opaque one can be had.
        stream: whether to answer with events.
        partial_images: how often each picture is shown on its way, in a stream.
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
    def _few_fields(cls, given: object) -> object:
        if isinstance(given, dict):
            refuse_many_fields(given)
        return given


async def edited(form: FormData) -> tuple[Generation, Start]:
    """What the parts of an edit ask for, and what it starts from."""
    parts = form.multi_items()
    files = [value for name, value in parts if name in ("image", "image[]") and isinstance(value, UploadFile)]
    mask = next((value for name, value in parts if name == "mask" and isinstance(value, UploadFile)), None)
    if len(files) != 1:
        raise RequestError(f"image: one picture is edited at a time, and {len(files)} were sent")
    texts = {name: value for name, value in parts if isinstance(value, str)}
    try:
        said = Generation.model_validate(texts)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise RequestError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    content, holes = await files[0].read(), None if mask is None else await mask.read()
    strength = (said.model_extra or {}).get("strength")
    return said, await asyncio.to_thread(_start, content, holes, strength)


def own_fields(said: Generation) -> dict[str, Any]:
    """The fields of a request that the dialect has of its own."""
    width, height = read_size(said.size)
    own = {"prompt": said.prompt, "model": said.model, "n": said.n or 1}
    return own if width is None else own | {"width": width, "height": height}


def _start(content: bytes, holes: bytes | None, strength: str | None) -> Start:
    """What an edit starts from."""
    try:
        share = 1.0 if strength is None and holes is not None else float(strength or 0.75)
    except ValueError:
        raise RequestError(f"strength: {strength!r:.40} is no number") from None
    mask = None if holes is None else read_holes(holes)
    return Start.from_dict({"picture": read_picture(content), "mask": mask, "strength": share})
