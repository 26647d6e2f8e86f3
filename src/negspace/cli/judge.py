"""`negspace judge`: what judges see in pictures, and from which score on they do."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from negspace.cli import show
from negspace.cli.options import Json

if TYPE_CHECKING:
    from PIL.Image import Image

judge = typer.Typer(
    name="judge",
    help="What judges see in pictures, and how they are calibrated.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

JUDGE_CHOICES = (
    "embedded, quality, oracle, a CLIP or SigLIP folder, or an http address; NAME@FILE takes a calibration."
)
Who = Annotated[
    list[str] | None,
    typer.Option("--judge", "-j", metavar="NAME|FOLDER", help=JUDGE_CHOICES, show_default=False),
]


@judge.command()
def look(
    pictures: Annotated[
        list[Path],
        typer.Argument(metavar="PICTURE...", help="Files, or folders of files.", show_default=False),
    ],
    who: Who = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="What to look for; else all the judge can name.", show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Show what judges see in pictures, with score and threshold."""
    from negspace.judge import open_judges

    files = [file for place in pictures for file in _files(place)]
    opened = [_opened(file) for file in files]
    one = open_judges(who or ["embedded"])
    asked = tuple(concept or one.concepts())
    if not asked:
        raise _mistake(f"{one.name} names nothing by itself; say what to look for with --concept")
    looked = dict(zip(map(str, files), one.look(opened, asked), strict=True))
    if json:
        show.as_json(
            {file: [sight.model_dump(mode="json") for sight in seen] for file, seen in looked.items()}
        )
        return
    for file, seen in looked.items():
        show.line(file, "bold")
        rows = [
            (
                sight.concept,
                sight.verdict,
                "" if sight.score is None else f"{sight.score:.3g}",
                "" if sight.threshold is None else f"{sight.threshold:.3g}",
                sight.unit,
                sight.why_not or ("" if sight.calibrated else "not calibrated"),
            )
            for sight in seen
        ]
        show.table(("concept", "verdict", "score", "seen from", "unit", "note"), rows, {"note": ""})


@judge.command()
def calibrate(
    concept: Annotated[str, typer.Argument(help="What is to be seen.", show_default=False)],
    present: Annotated[
        Path, typer.Option("--with", metavar="FOLDER", help="Pictures that have it.", show_default=False)
    ],
    absent: Annotated[
        Path, typer.Option("--without", metavar="FOLDER", help="Pictures that do not.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="The calibration; the other concepts in it stay.", show_default=False
        ),
    ],
    who: Annotated[
        str, typer.Option("--judge", "-j", metavar="NAME|FOLDER", help="quality, or a CLIP or SigLIP folder.")
    ] = "quality",
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="Another word for it; may be given again.", show_default=False),
    ] = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Says a picture with it; else usual forms.", show_default=False),
    ] = None,
    prompt_without: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="Says one without it.", show_default=False)
    ] = None,
    catch: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            metavar="SHARE",
            help="Of the pictures with it, how many must be seen; else what parts both best.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Set from which score on a concept counts as seen, from examples with and without it.

    Half of the examples teach, a quarter chooses the threshold, a quarter measures the error rates.
    """
    from negspace.judge.calibration import Calibration
    from negspace.judge.opening import open_scoring

    one = open_scoring(who, None)
    kind = "quality" if who == "quality" else "zero_shot"
    known = Calibration.read(out) if out.exists() else Calibration(judge=kind, made_for=one.weights())
    if (known.judge, known.made_for) != (kind, one.weights()):
        raise _mistake(f"{out} calibrates another judge or other weights; write to another file")
    if not one.knows(concept):
        raise _mistake(f"{one.name} knows no {concept!r}; it knows: {', '.join(one.concepts())}")
    blank = one.default_threshold(concept).model_copy(update={"also": tuple(also or ())})
    if prompt or prompt_without:
        sides = {"present": tuple(prompt or blank.present), "absent": tuple(prompt_without or blank.absent)}
        blank = blank.model_copy(update=sides)
    examples = [one.observe([_opened(file) for file in _files(place)]) for place in (present, absent)]
    cut = one.calibrate(concept, blank, examples[0], examples[1], catch)
    known.with_concept(concept, cut).write(out)
    if json:
        show.as_json({"file": str(out), "concept": concept, **cut.model_dump(mode="json")})
        return
    show.pairs(
        (
            ("concept", concept),
            ("seen from", f"{cut.threshold:.4g} {cut.unit}"),
            ("caught", str(cut.caught)),
            ("false alarms", str(cut.false_alarms)),
            ("written to", str(out)),
        )
    )
    if not cut.distinguishes:
        show.line(
            "the judge does not tell pictures with it from pictures without: the intervals meet", "yellow"
        )


@judge.command()
def learn(
    disliked: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures that were disliked.", show_default=False)
    ],
    liked: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures that were liked.", show_default=False)
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE", help="A .safetensors file; its name is the word to avoid.", show_default=False
        ),
    ],
    who: Annotated[
        str, typer.Option("--judge", "-j", metavar="FOLDER", help="A CLIP folder; else the embedded one.")
    ] = "embedded",
    vectors: Annotated[int, typer.Option(min=1, max=16, metavar="N", help="Tokens it takes.")] = 2,
    json: Json = False,
) -> None:
    """Learn a negative embedding from disliked and liked pictures, for --embedding.

    The CLIP's text half must be the text encoder of the model that is to be told; the embedded one is.
    """
    from negspace.judge.opening import open_scoring

    if out.suffix != ".safetensors":
        raise _mistake(f"{out} must end in .safetensors")
    pictures = [[_opened(file) for file in _files(place)] for place in (disliked, liked)]
    one = open_scoring(who, None)
    from negspace.judge.learning import learn_negative
    from negspace.judge.zero_shot import ZeroShot

    if not isinstance(one, ZeroShot):
        raise _mistake(f"{who} reads no text; give a CLIP folder")
    found = learn_negative(one, *pictures, vectors=vectors)
    found.write(out)
    if json:
        show.as_json({"file": str(out), "word": out.stem, "loss": found.loss, "parted": found.parted})
        return
    show.line(f"{out}: {found.parted:.0%} of the pictures parted, cross-entropy {found.loss:.3f}", "bold")
    show.line(f'try: negspace imagine PROMPT --embedding {out} --avoid "{out.stem}"')


@judge.command()
def thumbs(
    disliked: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures that were disliked.", show_default=False)
    ],
    liked: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Pictures that were liked.", show_default=False)
    ],
    who: Who = None,
    concept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="What to compare; else all the judge can name.", show_default=False
        ),
    ] = None,
    level: Annotated[
        float, typer.Option(metavar="SHARE", help="The chance of even one false proposal, at most.")
    ] = 0.05,
    json: Json = False,
) -> None:
    """Say what to avoid from thumbs alone: what is seen more often in disliked pictures than in liked ones.

    Fisher's exact test for each concept, with Holm's levels over all of them.
    """
    from negspace.judge import open_judges, propose_from_thumbs

    pictures = [[_opened(file) for file in _files(place)] for place in (disliked, liked)]
    found = propose_from_thumbs(open_judges(who or ["embedded"]), *pictures, concepts=concept, level=level)
    if json:
        show.as_json({"proposals": [asdict(one) for one in found]})
        return
    if not found:
        show.line("nothing is seen in the disliked pictures so much more often that it could not be chance")
        return
    counts = [len(kind) for kind in pictures]
    rows = [
        (one.concept, f"{one.disliked} of {counts[0]}", f"{one.liked} of {counts[1]}", f"{one.p_value:.2g}")
        for one in found
    ]
    show.table(("avoid", "disliked", "liked", "p"), rows)


def _files(place: Path) -> list[Path]:
    """A file, or the pictures of a folder in the order of their names."""
    if not place.is_dir():
        return [place]
    kinds = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
    found = sorted(file for file in place.iterdir() if file.suffix.lower() in kinds)
    if not found:
        raise _mistake(f"there are no pictures in {place}")
    return found


def _opened(file: Path) -> "Image":
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as opened:
            return opened.convert("RGB")
    except UnidentifiedImageError:
        raise _mistake(f"{file} is no picture") from None
    except OSError as error:
        raise _mistake(f"{file} cannot be read: {error.strerror or error}") from None


def _mistake(text: str) -> Exception:
    from negspace.errors import JudgeError

    return JudgeError(text)
