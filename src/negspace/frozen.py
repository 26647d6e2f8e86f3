"""Words: what every value of Negspace has in common: frozen, JSON both ways, mistakes told in one line."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from negspace.errors import RequestError


class Frozen(BaseModel):
    """A frozen value with JSON both ways that refuses unknown keys and tells what is wrong in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _tell_in_one_line(cls, data: object, handler: Callable[[object], Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise RequestError(_one_line(cls.__name__, error)) from None

    def to_json(self, *, indent: int | None = None) -> str:
        """The value as JSON text; `from_json` gives the equal value back."""
        return self.model_dump_json(indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The value that `to_json` wrote.

        Raises:
            RequestError: the text is not JSON of this value.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:  # not JSON at all: nothing reached the validator above
            raise RequestError(_one_line(cls.__name__, error)) from None

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """The value with these fields.

        Raises:
            RequestError: a field is unknown or wrong.
        """
        return cls.model_validate(dict(fields))


def _one_line(owner: str, error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("str", "tuple[Avoid, ...]"))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{owner} has no field {place!r}"
    given = (
        ""
        if first["type"] in ("missing", "json_invalid", "value_error")
        else f" (given: {first['input']!r:.60})"
    )
    return f"{owner} {place}: {message}{given}" if place else f"{owner}: {message}{given}"
