"""Pictures to start from: a gradient that no two pixels of a row share, and masks."""

import base64
import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from negspace.pixels import Pixels


def gradient(width: int = 64, height: int = 64) -> Image.Image:
    across, down = np.meshgrid(np.arange(width), np.arange(height))
    levels = np.stack([across * 255 // width, down * 255 // height, (across * 7 + down * 3) % 256], axis=-1)
    return Image.fromarray(levels.astype(np.uint8))


def half(width: int = 64, height: int = 64, levels: tuple[int, int] = (0, 255)) -> Image.Image:
    """A mask: one level in the left half, another in the right one."""
    mask = Image.new("L", (width, height), levels[0])
    mask.paste(levels[1], (width // 2, 0, width, height))
    return mask


def plain(level: int, width: int = 64, height: int = 64) -> Image.Image:
    return Image.new("L", (width, height), level)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def text(image: Image.Image, kind: str = "PNG") -> str:
    return base64.b64encode(file(image, kind)).decode()


def start(mask: Image.Image | None = None, **fields: Any) -> dict[str, Any]:
    """The fields of a start from the gradient."""
    masked = {} if mask is None else {"mask": Pixels.of(mask)}
    return {"picture": Pixels.of(gradient()), **masked, **fields}


def declared(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares a size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
