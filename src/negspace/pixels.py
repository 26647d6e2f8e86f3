"""Pictures and masks as frozen values with JSON both ways, read from files of any kind."""

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
"""Pixels of the largest picture that is read. A file that declares more is refused without decoding it."""

MOST_SCANS = 64
"""Scans of a JPEG that are read. Programs write about ten; each costs a pass over all pixels."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
"""The formats that are read; of an animation only the first frame."""

_PYTHON_ERRORS = (EOFError, IndexError, KeyError, OSError, OverflowError, SyntaxError, TypeError, ValueError)
_DAMAGED = (*_PYTHON_ERRORS, struct.error, zlib.error)
"""What the decoders of the formats raise for damaged files."""

_BACKGROUND = (255, 255, 255)  # behind the transparent parts of a picture
_DATA_URL = re.compile(r"\s*data:[^,]{0,100};base64,", re.IGNORECASE)


class Pixels(Frozen):
    """A picture by its content, independent of its file, format and metadata.

    Attributes:
        width, height: in pixels.
        sha256: of its bytes in `mode`, rows from the top; for a generated picture, that in its receipt.
        mode: "RGB", or "L" for a mask.
        data: the pixels as a PNG file in base64; None where the picture is only identified, as in a receipt.
    """

    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    mode: Mode = "RGB"
    data: Annotated[str | None, Field(repr=False)] = None

    @model_validator(mode="after")
    def _data_is_consistent(self) -> Self:
        if self.data is not None:
            image = _decoded(from_base64(self.data))
            if (image.mode, *image.size, _sha256(image)) != (self.mode, self.width, self.height, self.sha256):
                raise RequestError("Pixels data: they are not those of this mode, width, height and sha256")
        return self

    @classmethod
    def of(cls, image: "Image") -> "Pixels":
        """The pixels of an image; it is a mask if its mode is L."""
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
            RequestError: it has no `data`.
        """
        if self.data is None:
            name = f"{self.width}x{self.height}, sha256 {self.sha256[:12]}"
            raise RequestError(f"the picture {name} is only named, as in a receipt; give its pixels")
        return _decoded(from_base64(self.data))

    def without_data(self) -> Self:
        """The same picture, identified by sha256 and size alone."""
        return self.model_copy(update={"data": None})


def read_picture(content: bytes) -> Pixels:
    """The pixels of a picture file in RGB; errors and rules as `read_image`."""
    return Pixels.of(read_image(content))


def read_image(content: bytes) -> "Image":
    """The picture in a file, RGB, upright by its EXIF orientation, on white where transparent.

    Raises:
        RequestError: it is no picture, damaged, or too large.
    """
    from PIL import Image

    image = _decoded(content)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGBA", layer.size, (*_BACKGROUND, 255))
        image.alpha_composite(layer)
    return image.convert("RGB")


def count_frames(content: bytes) -> int:
    """How many frames a picture file has; 1 where it is no animation. Errors as `read_image`."""
    return _of_file(content, lambda image: int(getattr(image, "n_frames", 1)))


def read_mask(content: bytes) -> Pixels:
    """The pixels of a mask file: white is redrawn, black is kept, grey mixes.

    If the file has transparency, its opaque parts are redrawn, whatever their colour.

    Raises:
        RequestError: as `read_picture`.
    """
    image = _decoded(content)
    return Pixels.of(_alpha(image) if image.has_transparency_data else image.convert("L"))


def read_holes(content: bytes) -> Pixels:
    """The pixels of a mask file whose transparent parts are redrawn; errors as in `read_picture`."""
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
        RequestError: the text is not base64.
    """
    head = _DATA_URL.match(text)
    try:
        return base64.b64decode(text[head.end() if head else 0 :], validate=True)
    except (binascii.Error, ValueError):
        raise RequestError("a picture must be given as base64, or as a data URL of it") from None


def read_texts(content: bytes) -> dict[str, str]:
    """The texts in a picture file by keyword, infotext and receipt among them; errors as `read_picture`."""
    return _of_file(content, lambda image: {str(k): v for k, v in image.info.items() if isinstance(v, str)})


def _decoded(content: bytes) -> "Image":
    """The first frame of a picture file, upright, in a mode with 8 bits per channel."""
    from PIL import ImageOps

    upright = _of_file(content, ImageOps.exif_transpose)
    if upright.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        return upright.point(lambda level: level / 256).convert("L")
    return upright


def _of_file(content: bytes, take: "Callable[[Image], Content]") -> "Content":
    """What `take` returns for the first frame of a picture file."""
    from PIL import Image

    # The declared size is checked before decoding: a file of a few bytes can ask for all memory.
    too_large = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > LARGEST:
                size = f"{image.width}x{image.height}"
                raise RequestError(f"a picture of {size} is too large; the limit is {LARGEST} pixels")
            _refuse_many_scans(image.format, content)
            image.load()
            return take(image)
    except too_large:
        raise RequestError(f"a picture is too large; the limit is {LARGEST} pixels") from None
    except Image.UnidentifiedImageError:
        raise RequestError(
            f"this is no picture in one of the formats that are read: {', '.join(FORMATS)}"
        ) from None
    except _DAMAGED as error:
        raise RequestError(f"a picture cannot be read: {' '.join(str(error).split())[:200]}") from None


def _refuse_many_scans(format: str | None, content: bytes) -> None:
    """A progressive JPEG of a few bytes a scan can ask for minutes of decoding (ITU T.81, marker SOS)."""
    scans = content.count(b"\xff\xda") if format in ("JPEG", "MPO") else 0
    if scans > MOST_SCANS:
        raise RequestError(f"a JPEG of {scans} scans is not read; at most {MOST_SCANS} are")


def _alpha(image: "Image") -> "Image":
    return image.convert("RGBA").getchannel("A")


def _sha256(image: "Image") -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()
