"""Existing pictures under policies: each is read and looked at for what it must not show.

A picture that cannot be read is a result of its own and loses no other. A term that no judge can see is
unknown, never absent.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal

from PIL import Image

from negspace.errors import RequestError
from negspace.judge.base import Judge, Picture
from negspace.judge.families import defects
from negspace.judge.pool import each
from negspace.pixels import count_frames, read_file, read_image
from negspace.policy.policy import Policy, PolicyTerm
from negspace.records import JudgeVerdict

Outcome = Literal["seen", "unknown", "clean", "unreadable"]

_TOGETHER: Final = 16  # pictures in memory at a time
_THUMB: Final = (256, 256)


@dataclass(frozen=True)
class ForbiddenTerm:
    """One thing that pictures must not show.

    Attributes:
        term: its name.
        concept: the word of it that the judge is asked about.
        source: "policy@version", or "user".
        must_know: whether a picture passes only if a judge can tell.
    """

    term: str
    concept: str
    source: str
    must_know: bool


@dataclass(frozen=True)
class PictureCheck:
    """What became of one file.

    Attributes:
        file: its path.
        verdicts: one a target, in their order; () where it cannot be read.
        missed: targets that had to be looked for and that nobody could tell.
        notes: what else has to be known, in plain words.
        problem: why it cannot be read; None where it can.
        thumbnail: at most 256 pixels wide and high; None where it cannot be read.
    """

    file: Path
    verdicts: tuple[JudgeVerdict, ...] = ()
    missed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str | None = None
    thumbnail: Image.Image | None = None

    @property
    def seen(self) -> tuple[JudgeVerdict, ...]:
        """What must not be there and is."""
        return tuple(verdict for verdict in self.verdicts if verdict.verdict == "seen")

    @property
    def unknown(self) -> tuple[JudgeVerdict, ...]:
        """What nobody could tell."""
        return tuple(verdict for verdict in self.verdicts if verdict.verdict == "unknown")

    @property
    def outcome(self) -> Outcome:
        """ "clean" only where every target was looked for and none is there."""
        if self.problem is not None:
            return "unreadable"
        if self.seen:
            return "seen"
        return "unknown" if self.unknown else "clean"

    @property
    def passed(self) -> bool:
        """Whether nothing was seen, and everything that must be known is."""
        return self.problem is None and not self.seen and not self.missed

    @property
    def defects(self) -> dict[str, float]:
        """How likely each family of defects is."""
        return defects(self.verdicts)


def targets(policies: Sequence[Policy], terms: Sequence[str], judge: Judge) -> tuple[ForbiddenTerm, ...]:
    """What to look for, each term once: those of policies, then one's own.

    A term is looked for by the first of its words that the judge knows.
    """
    named: dict[str, ForbiddenTerm] = {}
    for policy in policies:
        for term in policy.avoid:
            words = (term.term, *term.also)
            concept = next(filter(judge.knows, words), term.term)
            named.setdefault(
                term.term,
                ForbiddenTerm(term.term, concept, term.origin or policy.label, _must_know(policy, term)),
            )
    for term in terms:
        named.setdefault(term, ForbiddenTerm(term, term, "user", False))
    return tuple(named.values())


def check_pictures(
    files: Iterable[Path], looked_for: Sequence[ForbiddenTerm], judge: Judge
) -> Iterator[PictureCheck]:
    """What is seen in each file, in their order; at most 16 pictures are in memory at a time."""
    remaining = iter(files)
    while together := list(islice(remaining, _TOGETHER)):
        opened = each(_opened, together)
        pictures = [picture for picture, _ in opened if picture is not None]
        rows = iter(judge.look(pictures, [target.concept for target in looked_for]) if pictures else ())
        for file, (picture, note) in zip(together, opened, strict=True):
            yield (
                _unread(file, note)
                if picture is None
                else _looked(file, picture, note, looked_for, next(rows))
            )


def _opened(file: Path) -> tuple[Picture | None, str]:
    """(the picture, a note on it), or (None, why it cannot be read)."""
    try:
        content = read_file(file)
        picture, frames = read_image(content), count_frames(content)
    except RequestError as error:
        return None, str(error)
    except MemoryError:
        return None, "there is not enough memory for it"
    return picture, "" if frames == 1 else f"only the first of {frames} frames was looked at"


def _unread(file: Path, problem: str) -> PictureCheck:
    return PictureCheck(file, problem=problem)


def _looked(
    file: Path, picture: Picture, note: str, looked_for: Sequence[ForbiddenTerm], row: Sequence[JudgeVerdict]
) -> PictureCheck:
    verdicts = tuple(
        verdict.model_copy(update={"concept": target.term})
        for target, verdict in zip(looked_for, row, strict=True)
    )
    missed = tuple(
        target.term
        for target, verdict in zip(looked_for, verdicts, strict=True)
        if target.must_know and verdict.verdict == "unknown"
    )
    thumbnail = picture.copy()
    thumbnail.thumbnail(_THUMB)
    return PictureCheck(file, verdicts, missed, (note,) if note else (), None, thumbnail)


def _must_know(policy: Policy, term: PolicyTerm) -> bool:
    unchecked = term.unchecked or policy.unchecked or "refuse"
    return term.check == "block" and unchecked == "refuse"
