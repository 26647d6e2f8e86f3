"""The generation parameters of a picture as text, in the format of AUTOMATIC1111 that other tools read.

    a snowman, night
    Negative prompt: hat, blurry
    Steps: 20, Sampler: DPM++ 2M, CFG scale: 4, Seed: 7, Size: 64x64, Model hash: 0123456789, Model: embedded

The format does not distinguish an absent negative from an empty one, and its readers strip every line. The
receipt is exact; the infotext is for other tools.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from negspace.receipt import Receipt

MARK = "Negative prompt:"

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
    """The parameters of picture `index` of a receipt, with the names that AUTOMATIC1111 uses."""
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
    return Infotext(receipt.positive.text or "", receipt.negative.text or "", settings)


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
