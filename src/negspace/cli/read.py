"""`negspace read`: what a picture says about itself."""

from pathlib import Path
from typing import Annotated

import typer

from negspace.cli import show
from negspace.cli.options import JsonOption
from negspace.cli.receipt import show_receipt

FileArgument = Annotated[Path, typer.Argument(help="A PNG file.", show_default=False)]


def read(file: FileArgument, json: JsonOption = False) -> None:
    """Print the infotext and the receipt that a PNG carries."""
    from dataclasses import asdict

    from negspace import infotext, png

    texts = png.read(file)
    if json:
        info = None if texts.parameters is None else asdict(infotext.read(texts.parameters))
        receipt = None if texts.receipt is None else texts.receipt.model_dump(mode="json")
        show.as_json(
            {"file": str(file), "parameters": texts.parameters, "infotext": info, "receipt": receipt}
        )
        return
    show.line("infotext", "bold")
    show.line(texts.parameters or "(none)")
    show.line("")
    show.line("receipt", "bold")
    if texts.receipt is None:
        show.line("(none: made by another program)")
    else:
        show_receipt(texts.receipt)
