"""`negspace judge`: what judges see in pictures, and the calibration of their thresholds."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from negspace.cli import show
from negspace.cli.options import JUDGE_CHOICES, JsonOption, option
from negspace.cli.pictures import open_picture, picture_files
from negspace.errors import JudgeError

if TYPE_CHECKING:
    from PIL.Image import Image

    from negspace.records import JudgeVerdict

judge = typer.Typer(
    name="judge",
    help="What judges see in pictures, and how they are calibrated.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

JudgeOption = Annotated[list[str] | None, option("NAME|FOLDER", JUDGE_CHOICES, "--judge", "-j")]
DislikedOption = Annotated[Path, option("FOLDER", "Pictures that were disliked.")]
LikedOption = Annotated[Path, option("FOLDER", "Pictures that were liked.")]


@judge.command()
def look(
    pictures: Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Files, or folders of files.")],
    judges: JudgeOption = None,
    concept: Annotated[
        list[str] | None, option("NAME", "What to look for; else all the judge can name.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what judges see in pictures, with score and threshold."""
    from negspace.judge import open_judges

    files, _ = picture_files([str(place) for place in pictures])
    images = [open_picture(file) for file in files]
    opened = open_judges(judges or ["embedded"])
    concepts = tuple(concept or opened.concepts())
    if not concepts:
        raise JudgeError(f"{opened.name} names nothing by itself; say what to look for with --concept")
    by_file = dict(zip(map(str, files), opened.look(images, concepts), strict=True))
    if json:
        show.as_json(
            {file: [verdict.model_dump(mode="json") for verdict in row] for file, row in by_file.items()}
        )
        return
    for file, verdicts in by_file.items():
        show.line(file, "bold")
        rows = [_verdict_row(verdict) for verdict in verdicts]
        show.table(("concept", "verdict", "score", "seen from", "unit", "note"), rows, {"note": ""})


def _verdict_row(verdict: "JudgeVerdict") -> tuple[str, ...]:
    return (
        verdict.concept,
        verdict.verdict,
        "" if verdict.score is None else f"{verdict.score:.3g}",
        "" if verdict.threshold is None else f"{verdict.threshold:.3g}",
        verdict.unit,
        verdict.why_not or ("" if verdict.calibrated else "not calibrated"),
    )


@judge.command()
def calibrate(
    concept: Annotated[
        str,
        typer.Argument(
            metavar="CONCEPT|FOLDER",
            help="What is to be seen, or a folder with a subfolder for each concept and one called none.",
        ),
    ],
    out: Annotated[Path, option("FILE", "The calibration; the other concepts in it stay.")],
    present: Annotated[Path | None, option("FOLDER", "Pictures that have the concept.", "--with")] = None,
    absent: Annotated[Path | None, option("FOLDER", "Pictures that do not.", "--without")] = None,
    judge_name: Annotated[
        str,
        option(
            "NAME|FOLDER",
            "quality, text, nudity, tagger:FOLDER, or a CLIP or SigLIP folder.",
            "--judge",
            "-j",
        ),
    ] = "quality",
    also: Annotated[list[str] | None, option("WORDS", "Another word for it; may be given again.")] = None,
    prompt: Annotated[list[str] | None, option("TEXT", "Says a picture with it; else usual forms.")] = None,
    prompt_without: Annotated[list[str] | None, option("TEXT", "Says one without it.")] = None,
    catch: Annotated[
        float | None,
        option(
            "SHARE",
            "Of the pictures with it, how many must be seen; else what parts both best.",
            min=0.0,
            max=1.0,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Set the score from which a concept counts as seen, from examples with and without it.

    Half of the examples train the judge, a quarter chooses the threshold, a quarter measures the error rates.
    A folder gives all its concepts at once.
    """
    from negspace.cli.calibrating import calibrate_folder, observed, show_calibrated
    from negspace.judge.calibration import Calibration
    from negspace.judge.opening import open_scoring

    opened = open_scoring(judge_name)
    made_for = opened.kind, opened.weights()
    before = Calibration.read(out) if out.exists() else Calibration(judge=made_for[0], made_for=made_for[1])
    if (before.judge, before.made_for) != made_for:
        raise JudgeError(f"{out} calibrates another judge or other weights; write to another file")
    if present is None and absent is None and Path(concept).is_dir():
        calibration, done = calibrate_folder(opened, Path(concept), before, catch)
        calibration.write(out)
        if json:
            detectors = {
                entry.concept: entry.detector and entry.detector.model_dump(mode="json") for entry in done
            }
            show.as_json({"file": str(out), "concepts": detectors})
        else:
            show_calibrated(done, out)
        return
    if present is None or absent is None:
        raise JudgeError(
            f"{concept}: give --with FOLDER and --without FOLDER, or a folder with both instead of a name"
        )
    if not opened.knows(concept):
        raise JudgeError(f"{opened.name} knows no {concept!r}; it knows: {', '.join(opened.concepts())}")
    blank = opened.default_detector(concept)
    update = {
        "also": tuple(also or ()),
        "present": tuple(prompt or blank.present),
        "absent": tuple(prompt_without or blank.absent),
    }
    there, not_there = (observed(opened, place) for place in (present, absent))
    detector = opened.calibrate(concept, blank.model_copy(update=update), there, not_there, catch)
    before.with_concept(concept, detector).write(out)
    if json:
        show.as_json({"file": str(out), "concept": concept, **detector.model_dump(mode="json")})
        return
    show.pairs(
        (
            ("concept", concept),
            ("seen from", f"{detector.threshold:.4g} {detector.unit}"),
            ("caught", str(detector.caught)),
            ("false alarms", str(detector.false_alarms)),
            ("written to", str(out)),
        )
    )
    if not detector.distinguishes:
        show.line(
            "the judge cannot tell pictures with it from pictures without: the intervals meet", "yellow"
        )


@judge.command()
def learn(
    disliked: DislikedOption,
    liked: LikedOption,
    out: Annotated[Path, option("FILE", "A .safetensors file; its name is the word to avoid.")],
    judge_name: Annotated[
        str, option("FOLDER", "A CLIP folder; else the embedded one.", "--judge", "-j")
    ] = "embedded",
    vectors: Annotated[int, option("N", "Tokens it takes.", min=1, max=16)] = 2,
    json: JsonOption = False,
) -> None:
    """Learn a negative embedding from disliked and liked pictures, for --embedding.

    The text half of the CLIP must be the text encoder of the model that will read the file, as the embedded
    one is.
    """
    from negspace.judge.judges.zero_shot import ZeroShot
    from negspace.judge.learning import learn_negative
    from negspace.judge.opening import open_scoring

    if out.suffix != ".safetensors":
        raise JudgeError(f"{out} must end in .safetensors")
    pictures = [_images(place) for place in (disliked, liked)]
    opened = open_scoring(judge_name)
    if not isinstance(opened, ZeroShot):
        raise JudgeError(f"{judge_name} reads no text; give a CLIP folder")
    learned = learn_negative(opened, *pictures, vectors=vectors)
    learned.write(out)
    if json:
        show.as_json({"file": str(out), "word": out.stem, "loss": learned.loss, "parted": learned.separated})
        return
    result = f"{learned.separated:.0%} of the pictures separated, cross-entropy {learned.loss:.3f}"
    show.line(f"{out}: {result}", "bold")
    show.line(f'try: negspace imagine PROMPT --embedding {out} --avoid "{out.stem}"')


@judge.command()
def thumbs(
    disliked: DislikedOption,
    liked: LikedOption,
    judges: JudgeOption = None,
    concept: Annotated[
        list[str] | None, option("NAME", "What to compare; else all the judge can name.")
    ] = None,
    level: Annotated[float, option("SHARE", "The chance of even one false proposal, at most.")] = 0.05,
    json: JsonOption = False,
) -> None:
    """Propose what to avoid: what is seen more often in disliked pictures than in liked ones.

    Fisher's exact test for each concept, with Holm's levels over all of them.
    """
    from negspace.judge import open_judges, propose_from_thumbs

    pictures = [_images(place) for place in (disliked, liked)]
    opened = open_judges(judges or ["embedded"])
    proposals = propose_from_thumbs(opened, *pictures, concepts=concept, level=level)
    if json:
        show.as_json({"proposals": [asdict(proposal) for proposal in proposals]})
        return
    if not proposals:
        show.line("nothing is seen in the disliked pictures so much more often that it could not be chance")
        return
    counts = [len(kind) for kind in pictures]
    rows = [
        (
            proposal.concept,
            f"{proposal.disliked} of {counts[0]}",
            f"{proposal.liked} of {counts[1]}",
            f"{proposal.p_value:.2g}",
        )
        for proposal in proposals
    ]
    show.table(("avoid", "disliked", "liked", "p"), rows)


def _images(place: Path) -> list["Image"]:
    return [open_picture(file) for file in picture_files([str(place)])[0]]
