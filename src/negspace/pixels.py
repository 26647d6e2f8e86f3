"""Pixels: a picture or a mask as a frozen value that JSON can carry, read from any file."""

import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from negspace.errors import RequestError
from negspace.frozen import Frozen

if TYPE_CHECKING:
    from PIL.Image import Image

Content = TypeVar("Content")

Mode = Literal["RGB", "L"]

LARGEST = 4096 * 4096
"""Pixels of the largest picture that is read. More is refused by what a file declares, not decoded."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""What is read. Of an animation, its first picture."""

_DAMAGED = (
    EOFError,
    IndexError,
    KeyError,
    OSError,
    OverflowError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What the readers of formats raise where a file is not what it seems."""

_PAPER = (255, 255, 255)  # what shows through where a picture is transparent
_DATA_URL = re.compile(r"\s*data:[^,]{0,100};base64,", re.IGNORECASE)


class Pixels(Frozen):
    """A picture by its content. Where it came from, its format and its metadata play no part.

    Attributes:
        width, height: in pixels.
        sha256: of its bytes in `mode`, rows from the top; for a picture made here, that of its receipt.
        mode: "RGB", or "L" for a mask.
        data: the pixels as a PNG file in base64; None where the picture is only named, as in a receipt.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    mode: Mode = "RGB"
    data: Annotated[str | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if self.data is not None:
            image = _decoded(from_base64(self.data))
            if (image.mode, *image.size, _sha256(image)) != (self.mode, self.width, self.height, self.sha256):
                raise RequestError("Pixels data: they are not those of this mode, width, height and sha256")
        return self

    @classmethod
    def of(cls, image: "Image") -> "Pixels":
        """The pixels of an image, a mask where its mode is L."""
        kept = image if image.mode == "L" else image.convert("RGB")
        file = BytesIO()
        kept.save(file, format="PNG", compress_level=1)
        return cls.model_construct(
            width=kept.width,
            height=kept.height,
            sha256=_sha256(kept),
            mode=kept.mode,
            data=base64.b64encode(file.getvalue()).decode(),
        )

    def image(self) -> "Image":
        """The picture, in its mode.

        Raises:
            RequestError: its pixels are not here.
        """
        if self.data is None:
            name = f"{self.width}x{self.height}, sha256 {self.sha256[:12]}"
            raise RequestError(f"the picture {name} is only named, as in a receipt; give its pixels")
        return _decoded(from_base64(self.data))

    def without_data(self) -> Self:
        """The picture by name alone."""
        return self.model_copy(update={"data": None})


def read_picture(content: bytes) -> Pixels:
    """The pixels of a file: upright by its EXIF, on white where it is transparent, in RGB.

    Raises:
        RequestError: it is no picture, damaged, or too large.
    """
    from PIL import Image

    image = _decoded(content)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, (*_PAPER, 255))
        image.alpha_composite(layer)
    return Pixels.of(image.convert("RGB"))


def read_mask(content: bytes) -> Pixels:
    """The pixels of a mask: white is redrawn, black is kept, as bright as it is.

    Where the file is transparent anywhere, what is opaque is redrawn, whatever its colour.

    Raises:
        RequestError: as `read_picture`.
    """
    image = _decoded(content)
    return Pixels.of(_alpha(image) if image.has_transparency_data else image.convert("L"))


def read_holes(content: bytes) -> Pixels:
    """The pixels of a mask that was cut out: what is transparent is redrawn, what is opaque is kept.

    Raises:
        RequestError: as `read_picture`.
    """
    from PIL import ImageChops

    return Pixels.of(ImageChops.invert(_alpha(_decoded(content))))


def read_file(path: Path) -> bytes:
    """The content of a file.

    Raises:
        RequestError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None


def from_base64(text: str) -> bytes:
    """The bytes in base64 or in a data URL of it.

    Raises:
        RequestError: the text is neither.
    """
    head = _DATA_URL.match(text)
    try:
        return base64.b64decode(text[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("a picture must be given as base64, or as a data URL of it") from None


def read_texts(content: bytes) -> dict[str, str]:
    """The texts that a picture file carries, by keyword; those of a PNG are its infotext and its receipt.

    Raises:
        RequestError: as `read_picture`.
    """
    return _of_file(content, lambda image: {str(k): v for k, v in image.info.items() if isinstance(v, str)})


def _decoded(content: bytes) -> "Image":
    """The first picture of a file, upright, in a mode of 8 bits a channel."""
    from PIL import ImageOps

    upright = _of_file(content, ImageOps.exif_transpose)
    if upright.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        return upright.point(lambda level: level / 256).convert("L")
    return upright


def _of_file(content: bytes, take: "Callable[[Image], Content]") -> "Content":
    """What is taken of the first picture of a file."""
    from PIL import Image

    # What is declared comes first: a file of a few bytes may ask for all the memory there is.
    beyond = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > LARGEST:
                size = f"{image.width}x{image.height}"
                raise RequestError(f"a picture of {size} is too large; {LARGEST} pixels may be given")
            image.load()
            return take(image)
    except beyond:
        raise RequestError(f"a picture is too large; {LARGEST} pixels may be given") from None
    except Image.UnidentifiedImageError:
        raise RequestError(f"this is no picture of a kind that is read: {', '.join(FORMATS)}") from None
    except _DAMAGED as error:
        raise RequestError(f"a picture cannot be read: {' '.join(str(error).split())[:200]}") from None


def _alpha(image: "Image") -> "Image":
    return image.convert("RGBA").getchannel("A")


def _sha256(image: "Image") -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()
