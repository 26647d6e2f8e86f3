"""Everything that can be asked for on a command line, declared once, and the request it makes."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from negspace.errors import RequestError
from negspace.pixels import read_file, read_mask, read_picture
from negspace.request import Request, Start

REQUEST_PANEL = "What is asked"
GENERATION_PANEL = "How it is made"
OUTPUT_PANEL = "What comes out"

Command = Callable[..., None]

Json = Annotated[
    bool,
    typer.Option("--json", metavar="", help="Print JSON and nothing else.", rich_help_panel=OUTPUT_PANEL),
]

Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Processes that make pictures; the result is the same. If left out, as many as fit.",
        rich_help_panel=GENERATION_PANEL,
        show_default=False,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help='Make pictures on a Ray cluster: its address, "auto", or "local" for one on this machine.',
        rich_help_panel=GENERATION_PANEL,
        show_default=False,
    ),
]
Judges = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        "-j",
        metavar="WHO",
        help="Who looks: embedded, quality, oracle, a CLIP or SigLIP folder, an http address; NAME@FILE "
        "takes a calibration. Several are asked in turn. If left out: what the model allows.",
        rich_help_panel=GENERATION_PANEL,
        show_default=False,
    ),
]


def request_of(
    prompt: Annotated[str, typer.Argument(help="What is wanted.", show_default=False)],
    avoid: Annotated[
        str | None,
        typer.Option(
            "--avoid",
            "-a",
            metavar="TEXT",
            help='What is not wanted, with commas. Even an empty text ("") is something said.',
            rich_help_panel=REQUEST_PANEL,
        ),
    ] = None,
    n: Annotated[
        int,
        typer.Option("--number", "-n", metavar="N", help="How many pictures.", rich_help_panel=REQUEST_PANEL),
    ] = 1,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", help="Of the first picture; each further one adds 1.", rich_help_panel=REQUEST_PANEL
        ),
    ] = 0,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME", help="A name or a folder.", rich_help_panel=REQUEST_PANEL
        ),
    ] = "embedded",
    dialect: Annotated[
        str, typer.Option(metavar="NAME", help="Grammar of both texts.", rich_help_panel=REQUEST_PANEL)
    ] = "a1111",
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            metavar="",
            help="Refuse a text that cannot be read; else it is taken as text, with a finding.",
            rich_help_panel=REQUEST_PANEL,
        ),
    ] = False,
    inline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORM",
            help="Read what to avoid out of the prompt too: bar (a | b), hashes (a ### b), no (a --no b). "
            "May be given several times.",
            rich_help_panel=REQUEST_PANEL,
            show_default=False,
        ),
    ] = None,
    embedding: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="A textual-inversion embedding; its name is then a word. May be given several times.",
            rich_help_panel=REQUEST_PANEL,
            show_default=False,
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            "-p",
            metavar="NAME_OR_FILE",
            help="What must be avoided; may come several times. See policy list.",
            rich_help_panel=REQUEST_PANEL,
            show_default=False,
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(
            metavar="W",
            help="Guidance scale; at 1 a negative does nothing.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Of the sampler.", rich_help_panel=GENERATION_PANEL)
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(metavar="NAME", help='Such as "Euler a" or DDIM.', rich_help_panel=GENERATION_PANEL),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help='How predictions are combined, such as perp_neg or "cfg(strength=window(0.17, 0.6))"; see '
            "rules.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="In pixels, such as 64x64.", rich_help_panel=GENERATION_PANEL),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="A picture to start from instead of noise. The size is then the picture's.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    strength: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Of the steps that is taken from there; 1 leaves nothing of it. 0.75 if left out.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of the size of the picture: white is redrawn, black is kept to the pixel.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    weighting: Annotated[
        str, typer.Option(metavar="NAME", help="How weights of words act.", rich_help_panel=GENERATION_PANEL)
    ] = "a1111",
    route: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WAY",
            help="For models without a usable negative, the ways to try in order: attention, true-cfg (a "
            "second pass), rewrite, check. May come several times.",
            rich_help_panel=GENERATION_PANEL,
            show_default=False,
        ),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            metavar="G",
            help="For models that are told their guidance in a number.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="float32, bfloat16, float16; else by hardware.",
            rich_help_panel=GENERATION_PANEL,
        ),
    ] = None,
) -> Request:
    """The request that a command line asks for. What is left out is filled in from the model.

    Raises:
        RequestError: an option has an impossible value.
    """
    width, height = _sides(size)
    return Request.from_dict(
        {
            "prompt": prompt,
            "avoid": avoid,
            "model": model,
            "rule": rule,
            "scale": scale,
            "steps": steps,
            "sampler": sampler,
            "width": width,
            "height": height,
            "seed": seed,
            "n": n,
            "dialect": dialect,
            "reading": "strict" if strict else "lenient",
            "inline": tuple(inline or ()),
            "embeddings": tuple(embedding or ()),
            "weighting": weighting,
            "guidance": guidance,
            **({"routes": tuple(route)} if route else {}),
            "policies": tuple(policy or ()),
            "dtype": dtype,
            "start": _start(start, strength, mask),
        }
    )


def _start(picture: Path | None, strength: float | None, mask: Path | None) -> Start | None:
    if picture is None:
        for option, given in (("--strength", strength), ("--mask", mask)):
            if given is not None:
                raise RequestError(f"{option} goes with a picture to start from; name it with --from FILE")
        return None
    fields: dict[str, object] = {"picture": read_picture(read_file(picture))}
    if strength is not None:
        fields["strength"] = strength
    if mask is not None:
        fields["mask"] = read_mask(read_file(mask))
    return Start.from_dict(fields)


def options_from(make: Callable[..., object]) -> Callable[[Command], Command]:
    """A decorator: in the place of a command's parameter of the type that `make` returns stand the
    parameters of `make`, which typer turns into options."""
    made = inspect.signature(make)

    def decorate(command: Command) -> Command:
        own = list(inspect.signature(command).parameters.values())
        (at,) = (i for i, one in enumerate(own) if one.annotation is made.return_annotation)

        def filled(**given: Any) -> None:
            value = make(**{name: given.pop(name) for name in made.parameters})
            command(**given, **{own[at].name: value})

        options = [*own[:at], *made.parameters.values(), *own[at + 1 :]]
        filled.__name__, filled.__doc__ = command.__name__, command.__doc__
        filled.__dict__["__signature__"] = inspect.Signature(  # what typer reads, by name alone
            [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in options]
        )
        return filled

    return decorate


request_options = options_from(request_of)
"""The command, with the options of a request in the place of the request."""


def _sides(size: str | None) -> tuple[int | None, int | None]:
    """Width and height in "640x480"; (None, None) where no size was asked for."""
    if size is None:
        return None, None
    match = re.fullmatch(r"\s*(\d{1,9})\s*[x×X]\s*(\d{1,9})\s*", size)
    if match is None:
        raise RequestError(f"size {size!r} is not WIDTHxHEIGHT, such as 512x512")
    return int(match[1]), int(match[2])
