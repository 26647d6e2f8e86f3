"""The base class of all values: frozen, with JSON both ways and error messages of one line."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from negspace.errors import RequestError


class Frozen(BaseModel):
    """A frozen value with JSON both ways. A wrong or unknown field raises an error of one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _errors_of_one_line(cls, data: object, handler: Callable[[object], Self]) -> Self:
        try:
            return handler(data)
        except ValidationError as error:
            raise RequestError(_one_line(cls.__name__, error)) from None

    def to_json(self, *, indent: int | None = None) -> str:
        """The value as JSON text; `from_json` reads it back as an equal value."""
        return self.model_dump_json(indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The value in a text of `to_json`.

        Raises:
            RequestError: the text is not JSON of this value.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:  # not JSON at all, so the validator above was not called
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
    field = ".".join(str(part) for part in first["loc"] if part not in ("str", "tuple[Avoid, ...]"))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        return f"{owner} has no field {field!r}"
    shown = first["type"] not in ("missing", "json_invalid", "value_error")
    given = f" (given: {first['input']!r:.60})" if shown else ""
    return f"{owner} {field}: {message}{given}" if field else f"{owner}: {message}{given}"
