"""The options of a request on a command line, declared once, and the request they make."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from negspace.errors import RequestError
from negspace.pixels import read_file, read_mask, read_picture
from negspace.request import Request, Start

REQUEST_PANEL = "Request"
GENERATION_PANEL = "Generation"
OUTPUT_PANEL = "Output"
CHECK_PANEL = "Checks"

JUDGE_CHOICES = (
    "embedded, quality, oracle, a plug-in's name, a CLIP or SigLIP folder, or an http address; "
    "NAME@FILE takes a calibration."
)

Command = Callable[..., None]

Json = Annotated[
    bool,
    typer.Option("--json", metavar="", help="Print JSON and nothing else.", rich_help_panel=OUTPUT_PANEL),
]

OutFolder = Annotated[
    Path,
    typer.Option("--out", "-o", metavar="FOLDER", help="Folder for all files.", rich_help_panel=OUTPUT_PANEL),
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
        metavar="NAME|FOLDER",
        help=f"A judge of the pictures: {JUDGE_CHOICES} May be given several times. If left out, what the "
        "model allows.",
        rich_help_panel=CHECK_PANEL,
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
            help='What is not wanted, with commas. An empty text ("") differs from none.',
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
            help="Refuse a text that cannot be parsed; else it is read as plain text, with a finding.",
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
            help="A textual-inversion embedding; its name becomes a word. May be given several times.",
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
            help="A policy to apply; may be given several times. See policy list.",
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
            help="Share of the steps that are run; 1 leaves nothing of the picture. 0.75 if left out.",
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
            "second pass), rewrite, check. May be given several times.",
            rich_help_panel=GENERATION_PANEL,
            show_default=False,
        ),
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(
            metavar="G",
            help="For models that take their guidance as a number.",
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
    """The request of a command line. Options that are left out take the model's defaults.

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
        for option, value in (("--strength", strength), ("--mask", mask)):
            if value is not None:
                raise RequestError(f"{option} needs a picture to start from; name it with --from FILE")
        return None
    mask_pixels = None if mask is None else read_mask(read_file(mask))
    return Start.of(read_picture(read_file(picture)), strength, mask_pixels)


def options_from(make: Callable[..., object]) -> Callable[[Command], Command]:
    """A decorator that replaces a command's parameter of the type that `make` returns by the parameters of
    `make`, which typer turns into options."""
    made = inspect.signature(make)

    def decorate(command: Command) -> Command:
        parameters = list(inspect.signature(command).parameters.values())
        (index,) = (i for i, p in enumerate(parameters) if p.annotation is made.return_annotation)

        def with_options(**values: Any) -> None:
            value = make(**{name: values.pop(name) for name in made.parameters})
            command(**values, **{parameters[index].name: value})

        options = [*parameters[:index], *made.parameters.values(), *parameters[index + 1 :]]
        with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
        with_options.__dict__["__signature__"] = inspect.Signature(  # typer reads it
            [option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in options]
        )
        return with_options

    return decorate


request_options = options_from(request_of)
"""The command with the options of a request instead of its parameter of type Request."""


def _sides(size: str | None) -> tuple[int | None, int | None]:
    """Width and height in "640x480"; (None, None) for None."""
    if size is None:
        return None, None
    match = re.fullmatch(r"\s*(\d{1,9})\s*[x×X]\s*(\d{1,9})\s*", size)
    if match is None:
        raise RequestError(f"size {size!r} is not WIDTHxHEIGHT, such as 512x512")
    return int(match[1]), int(match[2])
