"""The tab Gallery: everything that was made, found again, compared, made again and read from files."""

import asyncio
import hashlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from PIL import Image

from negspace import png
from negspace.receipt import Receipt
from negspace.serve.access.tenants import Tenant
from negspace.serve.dialect import Caller, Serving
from negspace.serve.jobs.job import picture_id
from negspace.serve.service import Service
from negspace.serve.studio.pages import render
from negspace.serve.studio.usage import comes_from
from negspace.store import FinishedRequest

router = APIRouter(include_in_schema=False)

SEARCHED: Final = 1000
"""Requests that are searched, the last ones."""

_SHOWN: Final = 60
_THUMB: Final = 320  # pixels of its longer side

Seen = Literal["", "seen", "absent", "flagged", "withheld", "inert"]
Text = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Search:
    """What is looked for; an empty text is anything.

    Attributes:
        word: in the prompt.
        term: avoided.
        policy: that a term comes from.
        verdict: "seen" and "absent" are those of a judge at last; "flagged" and "withheld" those of checks;
            "inert" where the negative made no difference.
    """

    word: str = ""
    term: str = ""
    policy: str = ""
    verdict: Seen = ""

    def matches(self, receipt: Receipt) -> bool:
        """Whether the pictures of a receipt are looked for."""
        terms = receipt.terms
        return (
            self.word.casefold() in receipt.request.prompt.casefold()
            and (not self.term or any(self.term.casefold() in term.term.casefold() for term in terms))
            and (not self.policy or any(comes_from(term, self.policy) for term in terms))
            and (not self.verdict or self.verdict in _verdicts(receipt))
        )


def _verdicts(receipt: Receipt) -> set[str]:
    """Every verdict that may be looked for and that a receipt has."""
    verdicts = {verdict.verdict for image in receipt.images for verdict in image.final_verdicts}
    marks = {
        "flagged": any(image.flags for image in receipt.images),
        "withheld": bool(receipt.withheld),
        "inert": bool(receipt.terms) and not receipt.negative_acted,
    }
    return verdicts | {mark for mark, holds in marks.items() if holds}


@dataclass(frozen=True)
class Card:
    """One picture of the gallery; `id` is None where it was withheld."""

    id: str | None
    prompt: str
    avoided: tuple[str, ...]
    verdicts: tuple[str, ...]
    moment: float


def _cards(service: Service, tenant: Tenant, search: Search) -> list[Card]:
    """The pictures that are looked for, the newest first."""
    owner = None if tenant.admin else tenant.name
    requests = (each for each in service.store.recent(owner, SEARCHED) if search.matches(each.receipt))
    cards = [card for request in requests for card in _cards_of(request)]
    return cards[:_SHOWN]


def _cards_of(request: FinishedRequest) -> list[Card]:
    receipt, moment = request.receipt, request.moment
    avoided = tuple(term.term for term in receipt.terms)
    verdicts = tuple(sorted(_verdicts(receipt) & {"flagged", "withheld", "inert"}))
    ids: list[str | None] = [picture_id(request.accepted.id, stored.place) for stored in request.pictures]
    return [Card(id, receipt.request.prompt, avoided, verdicts, moment) for id in ids or [None]]


@router.get("/studio/gallery")
async def page(
    http: Request,
    service: Serving,
    tenant: Caller,
    word: Text = "",
    term: Text = "",
    policy: Text = "",
    verdict: Seen = "",
) -> Response:
    """The page."""
    search = Search(word.strip(), term.strip(), policy, verdict)
    return render(
        http,
        "gallery",
        search=search,
        cards=await asyncio.to_thread(_cards, service, tenant, search),
        policies=sorted(service.catalogue.policies_for(tenant)),
        searched=SEARCHED,
    )


@router.get("/studio/gallery/compare")
async def compare(http: Request, service: Serving, tenant: Caller, first: Text, second: Text) -> Response:
    """Two pictures in one frame."""
    pictures = [await service.archive.picture(id, tenant) for id in (first, second)]
    return render(
        http,
        "compare",
        tab="gallery",
        data={"pictures": [first, second]},
        first=pictures[0].receipt,
        second=pictures[1].receipt,
    )


@router.get("/studio/gallery/{id}")
async def picture(id: str, http: Request, service: Serving, tenant: Caller) -> Response:
    """One picture with its receipt."""
    kept = await service.archive.picture(id, tenant)
    data = {"id": id, "receipt": kept.receipt.model_dump(mode="json")}
    return render(http, "picture", tab="gallery", id=id, receipt=kept.receipt, data=data)


@router.get("/studio/thumbs/{id}")
async def thumb(id: str, service: Serving, tenant: Caller) -> Response:
    """A small copy of a picture."""
    kept = await service.archive.picture(id, tenant)
    content = await service.read(_small, kept.png)
    return Response(content, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400"})


def _small(file: bytes) -> bytes:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(file)) as image:
        image.thumbnail((_THUMB, _THUMB))
        image.convert("RGB").save(buffer, format="WEBP", quality=82)
    return buffer.getvalue()


@router.post("/api/studio/read")
async def read(http: Request, service: Serving, tenant: Caller) -> dict[str, Any]:
    """What a file says about itself, and whether its pixels are those of its receipt."""
    return await service.read(_read, await http.body())


def _read(content: bytes) -> dict[str, Any]:
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(content)
        file.flush()
        texts = png.read(Path(file.name))
    receipt = texts.receipt
    return {
        "parameters": texts.parameters,
        "receipt": None if receipt is None else receipt.model_dump(mode="json"),
        "pixels": None if receipt is None else _has_pixels_of(content, receipt),
    }


def _has_pixels_of(content: bytes, receipt: Receipt) -> bool:
    with Image.open(io.BytesIO(content)) as image:
        digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()
    return digest in [record.sha256 for record in receipt.images]
