"""What is put in the place of a model's parts, or on top of them, declared once."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Concatenate, ParamSpec, cast, get_args

import typer

from negspace.errors import RequestError
from negspace.models.place import Saving, Source
from negspace.names import no_such
from negspace.request import Request

PARTS = "What makes it"

Own = ParamSpec("Own")


def source_of(
    model: str,
    text_encoder: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[PART=]FILE",
            help="A text encoder in place of the model's own, or of the part named. May come several times.",
            rich_help_panel=PARTS,
            show_default=False,
        ),
    ] = None,
    lora: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE:WEIGHT",
            help="A LoRA to add to the weights. May come several times.",
            rich_help_panel=PARTS,
            show_default=False,
        ),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="For a model in one file: a model of its kind, for settings and vocabulary.",
            rich_help_panel=PARTS,
        ),
    ] = None,
    allow_pickle: Annotated[
        bool,
        typer.Option(
            "--allow-pickle",
            metavar="",
            help="Open pickled weights too, for their tensors alone.",
            rich_help_panel=PARTS,
        ),
    ] = False,
    save_memory: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WAY",
            help=f"{', '.join(get_args(Saving))}. May come several times.",
            rich_help_panel=PARTS,
            show_default=False,
        ),
    ] = None,
) -> Source:
    """What a command line asks to be opened.

    Raises:
        RequestError: an option has an impossible value.
    """
    for way in save_memory or ():
        if way not in get_args(Saving):
            raise RequestError(no_such("way to save memory", way, get_args(Saving)))
    return Source(
        model,
        config,
        tuple(_named(told) for told in text_encoder or ()),
        tuple(_weighed(told) for told in lora or ()),
        allow_pickle,
        tuple(cast(Saving, way) for way in save_memory or ()),
    )


def opening(command: Callable[Concatenate[Request, Source, Own], None]) -> Callable[..., None]:
    """The command, told what to open; with the options for that before its own."""
    asked = list(inspect.signature(source_of).parameters.values())[1:]
    request, _, *own = inspect.signature(command).parameters.values()

    def filled(request: Request, **given: Any) -> None:
        options = {one.name: given.pop(one.name) for one in asked}
        command(request, source_of(request.model or "embedded", **options), **given)  # pyright: ignore[reportCallIssue]

    filled.__name__, filled.__doc__ = command.__name__, command.__doc__
    filled.__dict__["__signature__"] = inspect.Signature([request, *asked, *own])
    return filled


def _named(told: str) -> tuple[str, str]:
    """("text_encoder_2", "file") of "text_encoder_2=file"."""
    name, equals, place = told.partition("=")
    return (name, place) if equals and name.startswith("text_encoder") else ("text_encoder", told)


def _weighed(told: str) -> tuple[str, float]:
    """("file", 0.8) of "file:0.8"; without a weight it is 1."""
    place, colon, weight = told.rpartition(":")
    if not colon or "/" in weight or weight.endswith(".safetensors"):
        return told, 1.0
    try:
        return place, float(weight)
    except ValueError:
        raise RequestError(f"lora {told!r}: {weight!r} is no weight; write FILE:0.8") from None
