"""`negspace serve`, a server for the clients of several image APIs; `negspace mcp`, tools for one model."""

from pathlib import Path
from typing import Annotated

from negspace.cli import show
from negspace.cli.options import JudgesOption, option
from negspace.cli.sources import source_options
from negspace.errors import RequestError
from negspace.models.files.source import EMBEDDED, Source

HostOption = Annotated[str | None, option("ADDRESS", "Where to listen. [dim]\\[127.0.0.1][/]")]
PortOption = Annotated[int | None, option("N", "[dim]\\[8000][/]")]
DataOption = Annotated[
    Path | None, option("DIR", "Folder for the database and the pictures. [dim]\\[negspace-data][/]")
]
ModelPlaceOption = Annotated[
    str | None,
    option("NAME", "A name or a folder, instead of the models of the settings.", "--model", "-m"),
]
KeysOption = Annotated[Path | None, option("FILE", "File of tenants and their keys; see keys.")]
ConfigOption = Annotated[Path | None, option("FILE", "Settings as YAML; flags take precedence.")]
BatchingOption = Annotated[
    str | None,
    option(
        "KIND",
        "Rows of a forward: BatchesPerCore(32) is fast, FixedBatches(2) exact bit for bit.",
    ),
]


@source_options
def serve(
    host: HostOption = None,
    port: PortOption = None,
    model: ModelPlaceOption = None,
    *,
    parts: Source,
    data: DataOption = None,
    keys: KeysOption = None,
    config: ConfigOption = None,
    batching: BatchingOption = None,
    judge: JudgesOption = None,
) -> None:
    """Serve pictures over HTTP: one port, many dialects, requests in shared forwards.

    Every setting can also be an environment variable: NEGSPACE_PORT=8001.
    """
    from negspace.serve.run import run  # torch and fastapi: the seconds begin here
    from negspace.serve.settings import read_settings

    flags = {
        "host": host,
        "port": port,
        "data": data,
        "keys": keys,
        "batching": batching,
        "judges": judge or None,
    }
    settings = read_settings(config, {**flags, "models": _models(model, parts)})
    show.line(f"serving on http://{settings.host}:{settings.port}, data in {settings.data}")
    if settings.keys is None:
        show.line("no keys: everyone on this machine is admitted, and nobody else", "yellow")
    run(settings)


def _models(model: str | None, parts: Source) -> dict[str, Source] | None:
    """The model of the command line by its own name; None if there is none."""
    from negspace.models.catalogue import read_facts

    if model is None:
        if parts != Source(EMBEDDED):
            raise RequestError("options for model parts need --model; else set the parts in the settings")
        return None
    source = parts.with_path(model)
    return {read_facts(source).name: source}


def mcp(data: DataOption = None, config: ConfigOption = None) -> None:
    """Serve the tools to one language model over standard input and output.

    Started by the program that hosts the model. Over HTTP, serve has the same tools at /mcp.
    """
    import asyncio

    from negspace.serve.clients.mcp import serve_stdio
    from negspace.serve.settings import read_settings

    asyncio.run(serve_stdio(read_settings(config, {"data": data})))
