"""`negspace mcp`: the tools for language models, over standard input and output."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Folder for the database and the pictures. [dim]\\[negspace-data][/]",
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Settings as YAML, as for serve.", show_default=False),
]


def mcp(data: Data = None, config: Config = None) -> None:
    """Serve the tools to one language model over standard input and output.

    Started by the program that hosts the model. Over HTTP, serve has the same tools at /mcp.
    """
    import asyncio

    from negspace.serve.clients.mcp import serve_stdio
    from negspace.serve.settings import read_settings

    asyncio.run(serve_stdio(read_settings(config, {"data": data})))
