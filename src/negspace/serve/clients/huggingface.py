"""Hugging Face inference, under /hf: one POST to the address of a model, bytes of a picture back.

    client = InferenceClient(base_url="http://127.0.0.1:8000/hf/embedded")
    client.text_to_image("a house", negative_prompt="hat")

The receipt is in the headers.
"""

import asyncio
import secrets
from typing import Any

from fastapi import APIRouter, Response
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from negspace.errors import RequestError
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.serve import conversations
from negspace.serve.clients import extensions
from negspace.serve.clients.dialect import Caller, ClientDialect, Serving, retry_headers, unless_gone
from negspace.serve.clients.summary import headers
from negspace.serve.refusal import Refusal

router = APIRouter(prefix="/hf", tags=["Hugging Face"])


class Size(BaseModel):
    """A size in pixels."""

    width: int
    height: int


class Parameters(BaseModel):
    """What text-to-image and image-to-image may be told. What is unknown is refused."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    target_size: Size | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    seed: int | None = None
    strength: float | None = None
    mask_image: str | None = None
    policies: tuple[str, ...] = ()
    rule: str | None = None
    conversation: str | None = None
    complaint: str | None = None
    thumbs: str | None = None


class InferenceBody(BaseModel):
    """The body of a request.

    Attributes:
        inputs: the prompt; with `parameters.prompt`, the picture to start from in base64.
        parameters: the rest.
    """

    model_config = ConfigDict(extra="forbid")

    inputs: str
    parameters: Parameters = Parameters()

    def request(self, model: str, http: HttpRequest) -> extensions.ClientRequest:
        """What is asked for. A seed that is left open is drawn.

        Raises:
            NegspaceError: a field is wrong.
        """
        said = self.parameters
        fields = {
            "prompt": self.inputs if said.prompt is None else said.prompt,
            "avoid": said.negative_prompt,
            "model": model,
            "steps": said.num_inference_steps,
            "scale": said.guidance_scale,
            "sampler": said.scheduler,
            "seed": said.seed,
            "rule": said.rule,
            **self._size(),
            **self._start(),
        }
        return extensions.asked(
            {name: value for name, value in fields.items() if value is not None},
            {
                "policies": said.policies,
                **said.model_dump(include={"conversation", "complaint", "thumbs"}, exclude_none=True),
            },
            http.query_params,
            http.headers,
            secrets.randbelow(2**32),
        )

    def _size(self) -> dict[str, int | None]:
        said = self.parameters
        if said.prompt is None:
            return {"width": said.width, "height": said.height}
        return {}

    def _start(self) -> dict[str, Any]:
        said = self.parameters
        if said.prompt is None:
            return {}
        picture = read_picture(from_base64(self.inputs))
        size = said.target_size or Size(
            width=said.width or picture.width, height=said.height or picture.height
        )
        if (size.width, size.height) != (picture.width, picture.height):
            if not (1 <= size.width <= 4096 and 1 <= size.height <= 4096):
                raise RequestError(f"size {size.width}x{size.height}: a side has 1 to 4096 pixels")
            picture = Pixels.of(picture.image().resize((size.width, size.height)))
        start: dict[str, Any] = {"picture": picture}
        if said.strength is not None:
            start["strength"] = said.strength
        if said.mask_image is not None:
            start["mask"] = read_mask(from_base64(said.mask_image))
        return {"start": start}


@router.post("/{model:path}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def infer(
    model: str, asked: InferenceBody, service: Serving, tenant: Caller, http: HttpRequest
) -> Response:
    """A picture of a prompt, or of a prompt and a picture to start from."""
    told = await asyncio.to_thread(asked.request, model.removeprefix("models/"), http)
    job = await conversations.submit(service, told, tenant)
    (picture,) = (await unless_gone(job, http)).pictures
    return Response(picture.png, media_type="image/png", headers=headers(picture))


def told(refusal: Refusal) -> Response:
    """A refusal as the inference API says its errors."""
    return JSONResponse({"error": str(refusal)}, refusal.status, retry_headers(refusal))


DIALECT = ClientDialect("Hugging Face", router, ("/hf",), told)
