"""Hugging Face inference, under /hf: one POST to the address of a model, the bytes of a picture back.

    client = InferenceClient(base_url="http://127.0.0.1:8000/hf/embedded")
    client.text_to_image("a house", negative_prompt="hat")

The receipt is in the headers.
"""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Response
from fastapi import Request as HttpRequest
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from negspace.errors import RequestError
from negspace.pixels import Pixels, from_base64, read_mask, read_picture
from negspace.request import Start
from negspace.serve import conversations
from negspace.serve.catalogue import Catalogue
from negspace.serve.dialect import (
    Caller,
    ClientDialect,
    Serving,
    acted,
    delivered,
    finished_unless_gone,
    receipt_path,
    refusal_headers,
)
from negspace.serve.extension_fields import ClientRequest, client_request
from negspace.serve.jobs.job import JobPicture
from negspace.serve.refusal import Refusal

router = APIRouter(prefix="/hf", tags=["Hugging Face"])

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


_EXTENSIONS = (
    "policies",
    "conversation",
    "complaint",
    "thumbs",
    "negative_prompt_2",
    "true_cfg_scale",
    "guidance_scale",
)


class Size(BaseModel):
    """A size in pixels."""

    width: int
    height: int


class Parameters(BaseModel):
    """The parameters of text-to-image and image-to-image. Unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    prompt: str | None = None
    negative_prompt: str | None = None
    negative_prompt_2: str | None = None
    true_cfg_scale: float | None = None
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

    def request(self, model: str, http: HttpRequest, catalogue: Catalogue) -> ClientRequest:
        """The request of the body.

        Raises:
            NegspaceError: a field is wrong.
        """
        parameters = self.parameters
        fields = {
            "prompt": self.inputs if parameters.prompt is None else parameters.prompt,
            "avoid": parameters.negative_prompt,
            "model": model,
            "steps": parameters.num_inference_steps,
            "sampler": parameters.scheduler,
            "seed": parameters.seed,
            "rule": parameters.rule,
            **self._size_or_start(),
        }
        extensions = parameters.model_dump(include={*_EXTENSIONS}, exclude_none=True)
        return client_request(fields, extensions, http.query_params, http.headers, catalogue.facts)

    def _size_or_start(self) -> dict[str, Any]:
        """The size of a picture that starts from noise, or the picture to start from."""
        parameters = self.parameters
        if parameters.prompt is None:
            return {"width": parameters.width, "height": parameters.height}
        mask = None if parameters.mask_image is None else read_mask(from_base64(parameters.mask_image))
        return {"start": Start.of(self._picture(), parameters.strength, mask)}

    def _picture(self) -> Pixels:
        """The picture to start from, in the size that was asked for."""
        parameters, picture = self.parameters, read_picture(from_base64(self.inputs))
        width = parameters.width or picture.width
        height = parameters.height or picture.height
        if parameters.target_size is not None:
            width, height = parameters.target_size.width, parameters.target_size.height
        if (width, height) == (picture.width, picture.height):
            return picture
        if not (1 <= width <= 4096 and 1 <= height <= 4096):
            raise RequestError(f"size {width}x{height}: a side has 1 to 4096 pixels")
        return Pixels.of(picture.image().resize((width, height)))


@router.post("/{model:path}", response_class=Response, responses={200: {"content": {"image/png": {}}}})
async def infer(
    model: str, body: InferenceBody, service: Serving, tenant: Caller, http: HttpRequest
) -> Response:
    """A picture of a prompt, or of a prompt and a picture to start from."""
    request = await service.read(body.request, model.removeprefix("models/"), http, service.catalogue)
    job = await conversations.submit(service, request, tenant)
    (picture,) = delivered(await finished_unless_gone(job, http)).pictures
    headers = _receipt_headers(picture)
    if job.feedback is not None:
        headers["X-Negspace-Feedback"] = _encoded("; ".join(job.feedback.answer(picture.receipt)))
    return Response(picture.png, media_type="image/png", headers=headers)


def _receipt_headers(picture: JobPicture) -> dict[str, str]:
    """The receipt in headers. Texts are percent-encoded UTF-8."""
    receipt = picture.receipt
    negative = receipt.negative.text
    return {
        "X-Negspace-Image": picture.id,
        "X-Negspace-Receipt": receipt_path(picture),
        "X-Negspace-Seed": str(receipt.images[0].seed),
        "X-Negspace-Model": _encoded(receipt.model.name),
        "X-Negspace-Negative-Acted": _encoded(acted(receipt)),
        "X-Negspace-Evaluations": str(sum(receipt.evaluations.values())),
        "X-Negspace-Findings": ",".join(dict.fromkeys(finding.code for finding in receipt.findings)),
        **({} if negative is None else {"X-Negspace-Negative": _encoded(negative)}),
    }


def _encoded(text: str) -> str:
    return quote(text[:2000], safe=_PRINTABLE)


def error_response(refusal: Refusal) -> Response:
    """A refusal in the form of the inference API."""
    return JSONResponse({"error": str(refusal)}, refusal.status, refusal_headers(refusal))


DIALECT = ClientDialect("Hugging Face", router, ("/hf",), error_response)
