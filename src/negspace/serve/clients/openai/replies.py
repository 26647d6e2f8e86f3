"""The replies of the OpenAI dialect: pictures, events, usage and errors in its form."""

import io
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import JSONResponse, Response
from PIL import Image

from negspace.receipt import Receipt
from negspace.serve.clients.openai.bodies import Generation
from negspace.serve.dialect import delivered, refusal_headers, server_sent_event
from negspace.serve.jobs.job import Done, Failed, Finished, Job, JobPicture, Preview
from negspace.serve.refusal import Refusal
from negspace.serve.service import Service

_PIL_FORMATS = {"jpeg": "JPEG", "webp": "WEBP"}
_ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ImagesReply:
    """Writes the pictures of a job for a client.

    Args:
        body: of the client's request.
        name: of the events: "image_generation" or "image_edit".
        by_address: whether pictures are sent by address instead of in base64.
        base: address of the server, with a slash at the end.
    """

    def __init__(self, body: Generation, name: str, by_address: bool, base: str) -> None:
        self._body = body
        self._name = name
        self._by_address = by_address
        self._base = base

    def whole(self, job: Job, finished: Finished, service: Service) -> dict[str, Any]:
        """The reply to a request that does not stream."""
        return {
            "created": int(time.time()),
            "data": [self._picture(picture, service) for picture in finished.pictures],
            **self._settings(finished.receipt.width, finished.receipt.height),
            "usage": _usage(finished.receipt),
            "negspace": _extension(job, finished),
        }

    async def stream(self, job: Job) -> AsyncIterator[str]:
        """The events of a job, which is cancelled when its reader disconnects."""
        previews: dict[int, int] = {}
        try:
            async for event in job.events():
                match event:
                    case Preview(index, _, _, png):
                        plan = job.accepted.plan
                        data = {
                            "b64_json": self._encoded(png),
                            "partial_image_index": previews.setdefault(index, 0),
                            **self._settings(plan.width, plan.height),
                        }
                        previews[index] += 1
                        yield self._event("partial_image", data)
                    case Done(finished):
                        for picture in delivered(finished).pictures:
                            yield self._completed(picture, job, finished)
                    case Failed(why):
                        raise why
        except Refusal as why:
            yield server_sent_event("error", {"type": "error", **_error(why)})
        finally:
            job.cancel()

    def _completed(self, picture: JobPicture, job: Job, finished: Finished) -> str:
        data = {
            "b64_json": self._encoded(picture.png),
            **self._settings(finished.receipt.width, finished.receipt.height),
            "usage": _usage(picture.receipt),
            "negspace": _extension(job, finished),
        }
        return self._event("completed", data)

    def _event(self, name: str, data: dict[str, Any]) -> str:
        kind = f"{self._name}.{name}"
        return server_sent_event(kind, {"type": kind, "created_at": int(time.time()), **data})

    def _picture(self, picture: JobPicture, service: Service) -> dict[str, Any]:
        positive = picture.receipt.positive.text
        revised = {} if positive == self._body.prompt else {"revised_prompt": positive}
        if self._by_address:
            address = f"{self._base}api/images/{picture.id}?{service.signed_links.query(picture.id)}"
            return {"url": address, **revised}
        return {"b64_json": self._encoded(picture.png), **revised}

    def _encoded(self, png: bytes) -> str:
        """A picture in the format that was asked for, as base64."""
        kind = self._body.output_format or "png"
        if kind == "png":
            return b64encode(png).decode()
        buffer = io.BytesIO()
        quality = 100 if self._body.output_compression is None else self._body.output_compression
        Image.open(io.BytesIO(png)).convert("RGB").save(buffer, _PIL_FORMATS[kind], quality=quality)
        return b64encode(buffer.getvalue()).decode()

    def _settings(self, width: int, height: int) -> dict[str, Any]:
        return {
            "background": "opaque",
            "output_format": self._body.output_format or "png",
            "quality": "high",
            "size": f"{width}x{height}",
        }


def error_response(refusal: Refusal) -> Response:
    """A refusal as OpenAI's clients read it. A wrong field is 400 there."""
    status = 400 if refusal.status == 422 else refusal.status
    return JSONResponse(_error(refusal), status, refusal_headers(refusal))


def _error(refusal: Refusal) -> dict[str, Any]:
    default = "invalid_request_error" if refusal.status < 500 else "server_error"
    kind = _ERROR_TYPES.get(refusal.status, default)
    return {"error": {"message": str(refusal), "type": kind, "param": None, "code": refusal.code}}


def _extension(job: Job, finished: Finished) -> dict[str, Any]:
    """What OpenAI's server does not send: the ids of job and pictures, the receipt, the reply to feedback."""
    return {
        "id": finished.id,
        "images": [picture.id for picture in finished.pictures],
        "receipt": json.loads(finished.receipt.to_json()),
        **({} if job.feedback is None else {"feedback": job.feedback.to_plain(finished.receipt)}),
    }


def _usage(receipt: Receipt) -> dict[str, Any]:
    """Tokens of both texts as input, network evaluations as output."""
    tokens = sum(len(text.tokens) for side in (receipt.positive, receipt.negative) for text in side.tokens)
    evaluations = sum(receipt.evaluations.values())
    return {
        "input_tokens": tokens,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": tokens},
        "output_tokens": evaluations,
        "total_tokens": tokens + evaluations,
    }
