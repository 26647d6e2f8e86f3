"""Settings of the server. Flags take precedence over the environment, the environment over a file."""

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)
from yaml import YAMLError

from negspace.engine import BatchesPerCore, BatchesUpTo, Batching, FixedBatches
from negspace.errors import OutputError, RequestError
from negspace.models.files.source import EMBEDDED, Source

_BATCHINGS: dict[str, type[Batching]] = {
    kind.__name__: kind for kind in (BatchesPerCore, BatchesUpTo, FixedBatches)
}
_BATCHING = re.compile(r"(\w+)\(([1-9]\d{0,3})\)")


def read_batching(text: str) -> Batching:
    """The batching named by a text such as "BatchesPerCore(32)", "BatchesUpTo(32)" or "FixedBatches(2)".

    Raises:
        ValueError: it names none.
    """
    match = _BATCHING.fullmatch(text.strip())
    if match is None or match[1] not in _BATCHINGS:
        known = " or ".join(f"{name}(32)" for name in _BATCHINGS)
        raise ValueError(f"{text!r} is no way to batch rows; write {known}")
    return _BATCHINGS[match[1]](int(match[2]))


def _check_batching(text: str) -> str:
    read_batching(text)
    return text


def _source_fields(value: Any) -> Any:
    """A model given as its path alone."""
    return {"path": value} if isinstance(value, str) else value


class ServerSettings(BaseSettings):
    """The operator's settings. Every field is also an environment variable, such as `NEGSPACE_PORT=8001`.

    Attributes:
        host, port: where it listens. Without keys only loopback is allowed.
        data: folder for the pictures, and for the database if there is no URL.
        database: its URL, such as "postgresql+psycopg://user@host/name"; None is SQLite in `data`.
        retention: days after which finished requests are deleted; None is never.
        keys: file of tenants and their keys; None admits everyone on this machine.
        models: the models by name: the place of each, or the fields of a `Source`, which can replace parts of
            it. The first is the default.
        policies: files of policies by name, in addition to those that ship with Negspace.
        fit_sizes: models whose pictures get the nearest size that the model was trained at, unless a request
            says `fit_size` itself: clients often send 512x512 or 1024x1024 to every model.
        aliases: names that clients of other servers have built in, each with the model it stands for; "" is
            the default model.
        embeddings: files of textual inversion by name.
        lora_dir: folder of the LoRA files that requests may add, each for its own pictures; for the models
            that name none of their own.
        judges: judges of the pictures, as in `negspace imagine --judge`; none leaves it to the models, of
            which the embedded one has a judge of its own.
        batching: rows of a forward. `BatchesPerCore(32)` and `BatchesUpTo(32)` are fast and exact to float
            tolerance; on a CPU that also does other work the former is faster. `FixedBatches(2)` makes every
            picture independent of the others in its batch bit for bit.
        lanes: pictures under way at once, per model.
        resident: models kept in memory.
        waiting: pictures that may wait.
        share: the share of `waiting` that one tenant may use, from 0 to 1.
        largest: pixels of a picture.
        most_steps, most_pictures: of a request.
        longest_text: characters of all texts of a request together.
        largest_body: bytes of an HTTP request.
        head_seconds, body_seconds: that the head and the body of an HTTP request may take to arrive.
        silent_connections: connections that have not sent a whole head, at once; one more closes the oldest.
        origins: origins whose web pages may call, such as "https://shop.example"; its own pages always may.
        proxies: addresses or networks of proxies in front, whose X-Forwarded-For and -Proto are believed.
        public_url: the address under which clients reach the server, for the addresses of pictures in
            replies; None takes it from each request.
        log_prompts: whether the log contains the texts of prompts.
        grace: seconds that accepted requests may take after a signal to stop.
    """

    model_config = SettingsConfigDict(
        env_prefix="NEGSPACE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    data: Path = Path("negspace-data")
    database: str | None = None
    retention: Annotated[float, Field(gt=0.0)] | None = None
    keys: Path | None = None
    models: Annotated[dict[str, Annotated[Source, BeforeValidator(_source_fields)]], Field(min_length=1)] = {
        EMBEDDED: Source(EMBEDDED)
    }
    fit_sizes: frozenset[str] = frozenset({"embedded"})
    aliases: dict[str, str] = {"dall-e-2": "", "dall-e-3": "", "gpt-image-1": "", "gpt-image-1.5": ""}
    policies: dict[str, Path] = {}
    embeddings: dict[str, Path] = {}
    lora_dir: Path | None = None
    judges: tuple[str, ...] = ()
    batching: Annotated[str, AfterValidator(_check_batching)] = "BatchesPerCore(32)"
    lanes: Annotated[int, Field(ge=1, le=1024)] = 16
    resident: Annotated[int, Field(ge=1)] = 2
    waiting: Annotated[int, Field(ge=1)] = 256
    share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    largest: Annotated[int, Field(ge=64)] = 2048 * 2048
    most_steps: Annotated[int, Field(ge=1)] = 150
    most_pictures: Annotated[int, Field(ge=1)] = 16
    longest_text: Annotated[int, Field(ge=1)] = 10_000
    largest_body: Annotated[int, Field(ge=1024)] = 32 * 2**20
    head_seconds: Annotated[float, Field(gt=0.0)] = 10.0
    body_seconds: Annotated[float, Field(gt=0.0)] = 60.0
    silent_connections: Annotated[int, Field(ge=1)] = 512
    origins: frozenset[Annotated[str, Field(pattern=r"^(https?://[^/\s]+|null)$")]] = frozenset()
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    public_url: Annotated[str | None, Field(pattern=r"^https?://[^\s]+$")] = None
    log_prompts: bool = False
    grace: Annotated[float, Field(ge=0.0)] = 30.0


def read_settings(file: Path | None, flags: dict[str, Any]) -> ServerSettings:
    """Read the settings of a server.

    Args:
        file: YAML; None is no file.
        flags: from the command line; a value of None leaves the setting open.

    Raises:
        RequestError: a setting is unknown or wrong.
        OutputError: the file cannot be read.
    """
    if file is not None and not file.is_file():
        raise OutputError(f"{file}: no such file")

    class Sourced(ServerSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            sources = (init_settings, env_settings)
            if file is None:
                return sources
            return (*sources, YamlConfigSettingsSource(settings_cls, yaml_file=file))

    given_flags = {name: value for name, value in flags.items() if value is not None}
    try:
        read = Sourced(**given_flags)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise RequestError(f"setting {place}: {first['msg'].removeprefix('Value error, ')}") from None
    except (YAMLError, UnicodeDecodeError, TypeError) as error:
        raise OutputError(f"{file} cannot be read: {error}") from None
    fields = {name: getattr(read, name) for name in ServerSettings.model_fields}
    if "models" in given_flags:  # sources are merged entry by entry, but this flag replaces all models
        fields["models"] = given_flags["models"]
    return ServerSettings.model_construct(**fields)
