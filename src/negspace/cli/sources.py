"""What is put in the place of a model's parts, or on top of them, declared once."""

from typing import Annotated, cast, get_args

import typer

from negspace.cli.options import options_from
from negspace.errors import RequestError, no_such
from negspace.models.files.source import EMBEDDED, Saving, Source, encoder_of

MODEL_PANEL = "What makes it"


def source_of(
    text_encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PART=]FILE",
            help="A text encoder in place of the model's own, or of the part named. May come several times.",
            rich_help_panel=MODEL_PANEL,
            show_default=False,
        ),
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE:WEIGHT",
            help="A LoRA to add to the weights. May come several times.",
            rich_help_panel=MODEL_PANEL,
            show_default=False,
        ),
    ] = None,
    model_config: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="For a model in one file: a model of its kind, for settings and vocabulary.",
            rich_help_panel=MODEL_PANEL,
            show_default=False,
        ),
    ] = None,
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle",
            metavar="",
            help="Open pickled weights too, for their tensors alone.",
            rich_help_panel=MODEL_PANEL,
        ),
    ] = False,
    save_memory: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WAY",
            help=f"{', '.join(get_args(Saving))}. May come several times.",
            rich_help_panel=MODEL_PANEL,
            show_default=False,
        ),
    ] = None,
) -> Source:
    """What a command line puts in the place of a model's parts, or on top of them.

    Raises:
        RequestError: an option has an impossible value.
    """
    for way in save_memory or ():
        if way not in get_args(Saving):
            raise RequestError(no_such("way to save memory", way, get_args(Saving)))
    return Source(
        EMBEDDED,
        model_config,
        tuple(encoder_of(told) for told in text_encoder or ()),
        tuple(_weighed(told) for told in lora or ()),
        allow_pickle,
        tuple(cast(Saving, way) for way in save_memory or ()),
    )


source_options = options_from(source_of)
"""The command, with the options of a source in the place of the source, which is then `at` a model."""


def _weighed(told: str) -> tuple[str, float]:
    """("file", 0.8) of "file:0.8"; without a weight it is 1."""
    place, colon, weight = told.rpartition(":")
    if not colon or "/" in weight or weight.endswith(".safetensors"):
        return told, 1.0
    try:
        return place, float(weight)
    except ValueError:
        raise RequestError(f"lora {told!r}: {weight!r} is no weight; write FILE:0.8") from None
