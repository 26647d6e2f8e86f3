"""Axes of a comparison: what varies along one, and what that makes of a request.

`scale=1; 3; 6` varies a field of the request, `window=0-0.5; 0.2-1` when every avoided term is told,
`prompt/snowman=cat; boat` replaces words in the prompt, `avoid/hat=scarf; off` in the negative,
`encoder=off; other.safetensors` the model's text encoder. The value `off` leaves a field out, which for the
scale is 1, takes the words away, or leaves the model as it is.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Final, final

from negspace.avoid.terms import terms_of
from negspace.errors import LabError, no_such
from negspace.models.files.source import Source, parse_text_encoder
from negspace.request import Avoid, Request

OFF: Final = "off"

_NO_SINGLE_VALUE: Final = (
    "n", "start", "inline", "policies", "embeddings", "other_prompts", "other_avoids"
)  # fmt: skip


class Axis(ABC):
    """One thing that varies.

    Attributes:
        name: what varies.
        values: as they were written.
    """

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        self.name: Final = name
        self.values: Final = values

    @property
    def labels(self) -> tuple[str, ...]:
        """One a value, for people."""
        return tuple(f"{self.name} {value}" for value in self.values)

    @abstractmethod
    def at(self, request: Request, index: int) -> Request:
        """The request with value `index`.

        Raises:
            NegspaceError: it is impossible.
        """

    def of(self, source: Source, index: int) -> Source:
        """What is to be opened for value `index`."""
        return source


@final
class FieldAxis(Axis):
    """A field of the request."""

    def at(self, request: Request, index: int) -> Request:
        value = self.values[index]
        return Request.from_dict({**_fields(request), self.name: _value(self.name, value)})


@final
class WindowAxis(Axis):
    """The share of the steps during which every avoided term is told: `0-0.6`, or `off` for always."""

    def at(self, request: Request, index: int) -> Request:
        start, stop = _window(self.values[index])
        terms = tuple(
            Avoid(**{**dict(term.avoid), "window": (start, stop)})
            for term in terms_of(request.avoid, request.dialect, request.steps or 20)
        )
        if not terms:
            raise LabError("axis window: nothing is avoided that it could be told for; name it with --avoid")
        return request.model_copy(update={"avoid": terms})


@final
class ReplaceAxis(Axis):
    """Words of the prompt or of the negative, replaced by each value; the words themselves leave them.

    Args:
        side: "prompt" or "avoid".
        words: what is replaced.
        values: by what.
    """

    def __init__(self, side: str, words: str, values: tuple[str, ...]) -> None:
        super().__init__(f"{side}/{words}", values)
        self._side = side
        self._words = words

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self._words} → {value}" for value in self.values)

    def at(self, request: Request, index: int) -> Request:
        value = "" if self.values[index] == OFF else self.values[index]
        if self._side == "prompt":
            return request.model_copy(update={"prompt": self._replaced(request.prompt, value)})
        if isinstance(request.avoid, str):
            return request.model_copy(update={"avoid": self._replaced(request.avoid, value)})
        if not any(self._words in one.term for one in request.avoid or ()):
            raise self._missing(str(request.avoid))
        told = [(one, one.term.replace(self._words, value).strip()) for one in request.avoid or ()]
        terms = tuple(one.model_copy(update={"term": term}) for one, term in told if term)
        return request.model_copy(update={"avoid": terms})

    def _replaced(self, text: str, value: str) -> str:
        if self._words not in text:
            raise self._missing(text)
        replaced = text.replace(self._words, value)
        # A word that is taken away takes one of the commas around it with it.
        return replaced if value else re.sub(r"(,\s*)+(?=,|$)|^\s*,\s*", "", replaced).strip()

    def _missing(self, text: str) -> LabError:
        return LabError(f"axis {self.name}: {self._words!r} is not in the {self._side} {text!r:.80}")


@final
class EncoderAxis(Axis):
    """The model's text encoder: a file or folder in its place, or in that of a part named: `PART=FILE`."""

    def at(self, request: Request, index: int) -> Request:
        return request

    def of(self, source: Source, index: int) -> Source:
        value = self.values[index]
        return source if value == OFF else replace(source, text_encoders=(parse_text_encoder(value),))


def axis(text: str) -> Axis:
    """The axis that a text describes; values are separated by semicolons.

    Raises:
        LabError: it has no name or no values, or there is no such field.
    """
    name, equals, rest = text.partition("=")
    values = tuple(value.strip() for value in rest.split(";") if value.strip())
    name = name.strip()
    if not (equals and name and values):
        raise LabError(f'axis {text!r}: write NAME=VALUE; VALUE; ..., such as "scale=1; 3; 6"')
    side, slash, words = name.partition("/")
    if slash and side in ("prompt", "avoid") and words:
        return ReplaceAxis(side, words, values)
    if name == "window":
        for value in values:
            _window(value)
        return WindowAxis(name, values)
    if name == "encoder":
        return EncoderAxis(name, values)
    fields = [field for field in Request.model_fields if field not in _NO_SINGLE_VALUE]
    if name not in fields:
        raise LabError(no_such("axis", name, [*fields, "window", "encoder", "prompt/WORDS", "avoid/WORDS"]))
    return FieldAxis(name, values)


def _fields(request: Request) -> dict[str, object]:
    return {name: getattr(request, name) for name in Request.model_fields}


def _value(name: str, value: str) -> object:
    """What a field is told: nothing for `off`, which is 1 for the scale."""
    if value == OFF:
        return 1.0 if name == "scale" else None
    return value


def _window(value: str) -> tuple[float, float]:
    if value == OFF:
        return 0.0, 1.0
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*-\s*(\d*\.?\d+)\s*", value)
    if match is None:
        raise LabError(f"axis window: {value!r} is no START-STOP in shares of the steps, such as 0-0.6")
    return float(match[1]), float(match[2])
