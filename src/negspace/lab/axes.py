"""The axes of a comparison: what varies along each, and how it changes a request.

`scale=1; 3; 6` varies a field of the request, `window=0-0.5; 0.2-1` the steps in which the negative acts,
`prompt/snowman=cat; boat` replaces words in the prompt, `avoid/hat=scarf; off` in the negative,
`encoder=off; other.safetensors` the model's text encoder. The value `off` leaves a field out (for the scale
it is 1), removes the words, or keeps the model as it is.
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
    """One thing that varies, with its values as they were written."""

    def __init__(self, name: str, values: tuple[str, ...]) -> None:
        self.name: Final = name
        self.values: Final = values

    @property
    def labels(self) -> tuple[str, ...]:
        """A text for each value."""
        return tuple(f"{self.name} {value}" for value in self.values)

    @abstractmethod
    def request_at(self, request: Request, index: int) -> Request:
        """A request with value `index` of this axis.

        Raises:
            NegspaceError: that request is impossible.
        """

    def source_at(self, source: Source, index: int) -> Source:
        """The model source for value `index`."""
        return source


@final
class FieldAxis(Axis):
    """A field of the request."""

    def request_at(self, request: Request, index: int) -> Request:
        value = self.values[index]
        return Request.from_dict({**dict(request), self.name: _value(self.name, value)})


@final
class WindowAxis(Axis):
    """The share of the steps in which every avoided term acts: `0-0.6`, or `off` for all steps."""

    def request_at(self, request: Request, index: int) -> Request:
        start, stop = _window(self.values[index])
        terms = tuple(
            Avoid(**{**dict(term.avoid), "window": (start, stop)})
            for term in terms_of(request.avoid, request.dialect, request.steps or 20)
        )
        if not terms:
            raise LabError("axis window: nothing is avoided that could have a window; name it with --avoid")
        return request.model_copy(update={"avoid": terms})


@final
class ReplaceAxis(Axis):
    """Words of one side, "prompt" or "avoid", replaced by each value; the words themselves keep the text."""

    def __init__(self, side: str, words: str, values: tuple[str, ...]) -> None:
        super().__init__(f"{side}/{words}", values)
        self._side = side
        self._words = words

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(f"{self._words} → {value}" for value in self.values)

    def request_at(self, request: Request, index: int) -> Request:
        value = "" if self.values[index] == OFF else self.values[index]
        if self._side == "prompt":
            return request.model_copy(update={"prompt": self._replaced(request.prompt, value)})
        if isinstance(request.avoid, str):
            return request.model_copy(update={"avoid": self._replaced(request.avoid, value)})
        terms = request.avoid or ()
        if not any(self._words in avoided.term for avoided in terms):
            raise self._missing(str(request.avoid))
        replaced = [(avoided, avoided.term.replace(self._words, value).strip()) for avoided in terms]
        kept = tuple(avoided.model_copy(update={"term": term}) for avoided, term in replaced if term)
        return request.model_copy(update={"avoid": kept})

    def _replaced(self, text: str, value: str) -> str:
        if self._words not in text:
            raise self._missing(text)
        replaced = text.replace(self._words, value)
        # A word that is removed takes one of the commas around it along.
        return replaced if value else re.sub(r"(,\s*)+(?=,|$)|^\s*,\s*", "", replaced).strip()

    def _missing(self, text: str) -> LabError:
        return LabError(f"axis {self.name}: {self._words!r} is not in the {self._side} {text!r:.80}")


@final
class EncoderAxis(Axis):
    """The model's text encoder, replaced by a file or folder; `PART=FILE` names which encoder."""

    def request_at(self, request: Request, index: int) -> Request:
        return request

    def source_at(self, source: Source, index: int) -> Source:
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


def _value(name: str, value: str) -> object:
    """The value of a field; for `off` it is None, or 1 for the scale."""
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
