"""PNG files with the infotext for other tools and the receipt of the picture."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from negspace import infotext
from negspace.errors import OutputError, RequestError
from negspace.receipt import Receipt

PARAMETERS = "parameters"  # the keyword that tools look for
RECEIPT = "negspace"


@dataclass(frozen=True)
class PngTexts:
    """The texts in a PNG file: its infotext and its receipt, None where there is none."""

    parameters: str | None
    receipt: Receipt | None


def text_chunks(receipt: Receipt, index: int = 0) -> PngInfo:
    """The text chunks for picture `index` of a receipt: its infotext, and the receipt of that picture alone.

    As the format requires, Latin-1 text becomes a tEXt chunk, and any other text an iTXt chunk.
    """
    chunks = PngInfo()
    chunks.add_text(PARAMETERS, infotext.write(infotext.from_receipt(receipt, index)))
    chunks.add_text(RECEIPT, receipt.single(index).to_json())
    return chunks


def attach(image: Image.Image, chunks: PngInfo) -> None:
    """Makes every `image.save("….png")` write text chunks. Changed copies of the image do not have them."""
    image.encoderinfo = {"pnginfo": chunks}


def encode(image: Image.Image) -> bytes:
    """The bytes of a PNG file of the image, with its attached text chunks."""
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()


def read(path: Path) -> PngTexts:
    """The texts in the PNG file at `path`.

    Raises:
        OutputError: there is no such file, it is no PNG, it has neither text, or its receipt is damaged.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()  # text chunks may follow the pixels
            texts = dict(image.info)
    except FileNotFoundError:
        raise OutputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise OutputError(f"{path} is a folder; name one PNG file in it") from None
    except UnidentifiedImageError:
        raise OutputError(f"{path} is not a PNG file; other formats contain no receipt") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise OutputError(f"{path} cannot be read: {error}") from None
    parameters, receipt = texts.get(PARAMETERS), texts.get(RECEIPT)
    if parameters is None and receipt is None:
        raise OutputError(
            f"{path} is a PNG without infotext or receipt; they are lost when a picture is edited"
        )
    try:
        return PngTexts(parameters, None if receipt is None else Receipt.from_json(receipt))
    except RequestError as error:
        raise OutputError(f"{path}: its receipt cannot be read: {error}") from None
