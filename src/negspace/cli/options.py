"""The options of a request on a command line, declared once, and the request they make."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from negspace.errors import RequestError
from negspace.hires import UPSCALERS, Hires
from negspace.pixels import read_file, read_mask, read_picture
from negspace.request import Request, Start

JUDGE_CHOICES = (
    "embedded, auto (text, nudity and quality), oracle, tagger:FOLDER, vlm:ADDRESS#MODEL, nudenet, "
    "shieldgemma:FOLDER, a plug-in's name, a CLIP or SigLIP folder, or an http address; "
    "NAME@FILE takes a calibration."
)

Command = Callable[..., None]


def option(metavar: str, help: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    """What typer reads of an option, which without names is called after its parameter.

    Args:
        metavar: what stands for the value in help; "" for a flag.
        panel: under which heading help has it.
        more: further arguments of `typer.Option`.
    """
    return typer.Option(*names, metavar=metavar, help=help, rich_help_panel=panel, **more)


in_request = partial(option, panel="Request")
in_generation = partial(option, panel="Generation")
in_output = partial(option, panel="Output")
in_checks = partial(option, panel="Checks")

JsonOption = Annotated[bool, in_output("", "Print JSON and nothing else.", "--json")]
OutFolderOption = Annotated[Path, in_output("FOLDER", "Folder for all files.", "--out", "-o")]
ModelOption = Annotated[str, in_request("NAME", "A name or a folder.", "--model", "-m")]
StepsOption = Annotated[int | None, in_generation("N", "Of the sampler.")]
WorkersOption = Annotated[
    int | None,
    in_generation(
        "N", "Processes that make pictures; the result is the same. If left out, as many as fit.", min=1
    ),
]
ClusterOption = Annotated[
    str | None,
    in_generation(
        "ADDRESS", 'Make pictures on a Ray cluster: its address, "auto", or "local" for one on this machine.'
    ),
]
JudgesOption = Annotated[
    list[str] | None,
    in_checks(
        "NAME|FOLDER",
        f"A judge of the pictures: {JUDGE_CHOICES} May be given several times. If left out, what the "
        "model allows.",
        "--judge",
        "-j",
    ),
]


def request_of(
    prompt: Annotated[str, typer.Argument(help="What is wanted.")],
    avoid: Annotated[
        str | None,
        in_request(
            "TEXT", 'What is not wanted, with commas. An empty text ("") differs from none.', "--avoid", "-a"
        ),
    ] = None,
    n: Annotated[int, in_request("N", "How many pictures.", "--number", "-n")] = 1,
    seed: Annotated[
        int | None,
        in_request("N", "Of the first picture; each further one adds 1. -1, or left out: a random one."),
    ] = None,
    model: ModelOption = "embedded",
    dialect: Annotated[str, in_request("NAME", "Grammar of both texts.")] = "a1111",
    strict: Annotated[
        bool,
        in_request(
            "",
            "Refuse a text that cannot be parsed; else it is read as plain text, with a finding.",
            "--strict",
        ),
    ] = False,
    inline: Annotated[
        list[str] | None,
        in_request(
            "FORM",
            "Read what to avoid out of the prompt too: bar (a | b), hashes (a ### b), no (a --no b). "
            "May be given several times.",
        ),
    ] = None,
    embedding: Annotated[
        list[str] | None,
        in_request(
            "FILE", "A textual-inversion embedding; its name becomes a word. May be given several times."
        ),
    ] = None,
    check: Annotated[
        str,
        in_checks("WHAT", "What happens where a judge sees what is to be avoided: none, flag, retry, block."),
    ] = "none",
    want: Annotated[
        list[str] | None,
        in_checks(
            "TERM",
            "What must be seen in the picture beside its subject; else it is made again. "
            "May be given several times.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        in_request(
            "NAME_OR_FILE",
            "A policy to apply; may be given several times. See policy list.",
            "--policy",
            "-p",
        ),
    ] = None,
    scale: Annotated[
        float | None, in_generation("W", "Guidance scale; at 1 a negative does nothing.")
    ] = None,
    steps: StepsOption = None,
    sampler: Annotated[str | None, in_generation("NAME", 'Such as "Euler a" or DDIM.')] = None,
    rule: Annotated[
        str | None,
        in_generation(
            "TEXT",
            'How predictions are combined, such as perp_neg or "cfg(strength=window(0.17, 0.6))"; see rules.',
        ),
    ] = None,
    size: Annotated[str | None, in_generation("WxH", "In pixels, such as 64x64.")] = None,
    fit_size: Annotated[
        bool, in_generation("", "Take the nearest size that the model was trained at.", "--fit-size")
    ] = False,
    start: Annotated[
        Path | None,
        in_generation(
            "FILE", "A picture to start from instead of noise. The size is then the picture's.", "--from"
        ),
    ] = None,
    strength: Annotated[
        float | None,
        in_generation(
            "SHARE", "Share of the steps that are run; 1 leaves nothing of the picture. 0.75 if left out."
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        in_generation("FILE", "Of the size of the picture: white is redrawn, black is kept to the pixel."),
    ] = None,
    hires: Annotated[
        float | None,
        in_generation(
            "X", "Make each picture X times as large, and draw on there in a second pass.", "--hires"
        ),
    ] = None,
    hires_strength: Annotated[
        float | None, in_generation("SHARE", "Share of the steps that the second pass runs. 0.7 if left out.")
    ] = None,
    hires_steps: Annotated[
        int | None, in_generation("N", "Steps of the second pass; those of the first if left out.")
    ] = None,
    hires_upscaler: Annotated[
        str | None,
        in_generation("NAME", f"How the first is enlarged: {', '.join(UPSCALERS)}. Lanczos if left out."),
    ] = None,
    weighting: Annotated[str, in_generation("NAME", "How weights of words act.")] = "a1111",
    route: Annotated[
        list[str] | None,
        in_generation(
            "WAY",
            "For models without a usable negative, the ways to try in order: attention, true-cfg (a "
            "second pass), rewrite, check. May be given several times.",
        ),
    ] = None,
    guidance: Annotated[
        float | None, in_generation("G", "For models that take their guidance as a number.")
    ] = None,
    dtype: Annotated[
        str | None, in_generation("NAME", "float32, bfloat16, float16; else by hardware.")
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
            "fit_size": fit_size,
            "seed": seed,
            "n": n,
            "dialect": dialect,
            "reading": "strict" if strict else "lenient",
            "inline": tuple(inline or ()),
            "embeddings": tuple(embedding or ()),
            "weighting": weighting,
            "guidance": guidance,
            **({"routes": tuple(route)} if route else {}),
            "check": check,
            "wanted": tuple(want or ()),
            "policies": tuple(policy or ()),
            "dtype": dtype,
            "start": _start(start, strength, mask),
            "hires": _hires(hires, strength=hires_strength, steps=hires_steps, upscaler=hires_upscaler),
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


def _hires(scale: float | None, **more: object) -> Hires | None:
    """The second pass; `more` are its other fields, None where they are left out."""
    given = {name: value for name, value in more.items() if value is not None}
    if scale is None:
        for name in given:
            raise RequestError(f"--hires-{name} needs a second pass; ask for one with --hires X")
        return None
    return Hires.from_dict({"scale": scale, **given})


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
