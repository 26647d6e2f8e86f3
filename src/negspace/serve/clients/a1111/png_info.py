"""png-info: what a PNG says about itself."""

import asyncio
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from negspace import infotext, png
from negspace.pixels import from_base64, read_texts

router = APIRouter()


class PngInfoBody(BaseModel):
    """The body of png-info."""

    image: str


@router.post("/png-info")
async def png_info(shown: PngInfoBody) -> dict[str, Any]:
    """The infotext of a picture, its settings one by one, and every text in the file, also the receipt."""
    return await asyncio.to_thread(_read, from_base64(shown.image))


def _read(content: bytes) -> dict[str, Any]:
    items = read_texts(content)
    parameters = items.get(png.PARAMETERS, "")
    read = infotext.read(parameters)
    told = {"Prompt": read.prompt, "Negative prompt": read.negative, **read.settings} if parameters else {}
    return {"info": parameters, "items": items, "parameters": told}
