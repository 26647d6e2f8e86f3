"""The generation parameters of a picture as text, in the format of AUTOMATIC1111 that other tools read.

    a snowman, night
    Negative prompt: hat, blurry
    Steps: 20, Sampler: DPM++ 2M, CFG scale: 4, Seed: 7, Size: 64x64, Model hash: 0123456789, Model: embedded

The format does not distinguish an absent negative from an empty one, and its readers strip every line. The
receipt is exact; the infotext is for other tools.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from negspace.errors import PromptError, RequestError
from negspace.hires import Hires
from negspace.prompt import convert
from negspace.receipt import Receipt
from negspace.request import Request

MARK = "Negative prompt:"
_DIALECT = "a1111"

_KEY = re.compile(r"\w[\w \-/]*[\w\-/]")
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_FEWEST_PAIRS = 3  # a last line with fewer pairs belongs to the text, not to the settings


@dataclass(frozen=True)
class Infotext:
    """The parameters of one picture.

    Attributes:
        negative: the negative prompt; empty where there is none.
        settings: the pairs of the last line in their order, values as text and without quotes.
    """

    prompt: str
    negative: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


def from_receipt(receipt: Receipt, index: int) -> Infotext:
    """The parameters of picture `index` of a receipt, with the names and the numbers that AUTOMATIC1111 uses.

    Texts of other dialects are written in its own. What that cannot express, such as `.blend()`, is left as
    it is written, and the setting "Prompt dialect" or "Negative dialect" names its dialect.
    """
    settings = {
        "Steps": str(receipt.steps),
        "Sampler": receipt.sampler,
        "CFG scale": f"{receipt.scale:.10g}",
        "Seed": str(receipt.images[index].seed),
        "Size": f"{receipt.width}x{receipt.height}",
        "Model hash": receipt.model.fingerprint[:10],
        "Model": receipt.model.name,
        "Version": f"negspace {receipt.versions['negspace']}",
    }
    if receipt.request.start is not None:
        settings["Denoising strength"] = f"{receipt.request.start.strength:.10g}"
    if receipt.hires is not None:
        settings |= _hires(receipt.hires, receipt.carried or receipt.request)
    if receipt.embeddings:
        hashes = ((embedding.name, embedding.sha256[:12]) for embedding in receipt.embeddings)
        settings["TI hashes"] = _hashes(hashes)
    if receipt.loras:
        settings["Lora hashes"] = _hashes((lora.name, lora.short_hash) for lora in receipt.loras)
    carried = receipt.carried or receipt.request
    prompt, dialect = _in_a1111(receipt.positive.text or "", carried.dialect)
    negative, negative_dialect = _in_a1111(receipt.negative.text or "", receipt.negative_dialect)
    dialects = {"Prompt dialect": dialect, "Negative dialect": negative_dialect}
    settings |= {name: other for name, other in dialects.items() if other is not None}
    return Infotext(prompt, negative, settings)


def _hires(made: Hires, request: Request) -> dict[str, str]:
    """A second pass under the names of AUTOMATIC1111."""
    requested = request.hires or made
    by_scale = {"Hires upscale": f"{requested.scale:.10g}"}
    by_size = {"Hires resize": f"{made.width}x{made.height}"}
    return {
        "Denoising strength": f"{made.strength:.10g}",
        **(by_scale if requested.width is None else by_size),
        "Hires steps": str(made.steps),
        "Hires upscaler": made.upscaler,
    }


def _in_a1111(text: str, dialect: str) -> tuple[str, str | None]:
    """A text in the a1111 dialect; where that is not possible, the text and its dialect."""
    try:
        return convert(text, dialect, _DIALECT), None
    except (PromptError, RequestError):  # a plug-in that is no longer there, too
        return text, dialect


def _hashes(files: Iterable[tuple[str, str]]) -> str:
    """Files as AUTOMATIC1111 lists them: the name of each, and the first 12 digits of its hash."""
    return ", ".join(f"{re.sub('[:,]', '', name)}: {short_hash}" for name, short_hash in files)


def write(info: Infotext) -> str:
    """The infotext of `info`. `read` gives it back, with the lines of both texts stripped.

    Raises:
        ValueError: no reader would find the name of a setting, or there are fewer than three settings.
    """
    if len(info.settings) < _FEWEST_PAIRS:
        raise ValueError(
            f"an infotext needs at least {_FEWEST_PAIRS} settings, or readers take them for the prompt"
        )
    for name in info.settings:
        if not _KEY.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot be the name of a setting: only letters, digits, spaces, - and /"
            )
    prompt, negative = _lines(info.prompt), _lines(info.negative)
    settings = ", ".join(f"{name}: {_quote(value)}" for name, value in info.settings.items())
    return "\n".join(part for part in (prompt, negative and f"{MARK} {negative}", settings) if part)


def read(text: str) -> Infotext:
    """The parameters in an infotext, by the reading rules of AUTOMATIC1111.

    The last line is the settings if it has at least three pairs; the negative begins with a line that starts
    with "Negative prompt:". A text of another kind is a prompt without settings, and never an error.
    """
    *lines, last = text.strip().split("\n")
    pairs = _PAIR.findall(last)
    if len(pairs) < _FEWEST_PAIRS:
        lines, pairs = [*lines, last], []
    sides: tuple[list[str], list[str]] = ([], [])
    side = 0
    for line in (line.strip() for line in lines):
        if line.startswith(MARK):
            side, line = 1, line.removeprefix(MARK).strip()
        if line or sides[side]:
            sides[side].append(line)
    prompt, negative = ("\n".join(side) for side in sides)
    return Infotext(prompt, negative, {name: _unquote(value) for name, value in pairs})


def _lines(text: str) -> str:
    """A text that readers divide correctly: its lines are stripped, and none starts like the negative.

    A space before the colon prevents that and changes no token of a CLIP encoder.
    """
    lines = (line.strip() for line in text.strip().split("\n"))
    return "\n".join(
        line.replace(MARK, "Negative prompt :", 1) if line.startswith(MARK) else line for line in lines
    )


def _quote(value: str) -> str:
    plain = value and value == value.strip() and value[0] != '"' and not re.search(r"[,:\n\r]", value)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _unquote(value: str) -> str:
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value
