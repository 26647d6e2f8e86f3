"""A judge as a witness: what it sees of the things that a question names."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.matching import Index, phrase
from negspace.avoid.terms import terms_of
from negspace.errors import JudgeError, LabError
from negspace.judge import Judge, Panel, ScoringJudge
from negspace.lab.witness import Witness

_ARTICLE: Final = re.compile(r"^(an?|the)\s+", re.IGNORECASE)


@final
class JudgeWitness(Witness):
    """Sees what a judge sees: everything that it was calibrated for, and whatever else the texts name.

    A text names the judge's own concepts wherever it mentions them. Of the rest each part between commas is
    one thing, if the judge can be asked for it: a zero-shot model can be asked for anything, quality
    measures for nothing but defects.

    Args:
        judge: looks.
        texts: prompts and avoided terms of the question.
    """

    def __init__(self, judge: Judge, texts: Sequence[str]) -> None:
        self._judge: Final = judge
        self._own: Final = Index(
            (phrase(word), name) for one in _singly(judge) for name, words in _concepts(one) for word in words
        )
        own = [name for one in _singly(judge) for name, _ in _concepts(one)]
        named = [thing for text in texts for thing in self.named(text)]
        self._things: Final = tuple(dict.fromkeys((*own, *named)))
        rough = [thing for thing in dict.fromkeys(named) if not _calibrated(judge, thing)]
        self.name = judge.name + (
            f" (no examples set its thresholds for {', '.join(rough)})" if rough else ""
        )

    @property
    def things(self) -> tuple[str, ...]:
        return self._things

    @property
    def fingerprint(self) -> str:
        told = f"{self._judge.fingerprint()} {self._things}"
        return f"{self._judge.name} {hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def named(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._named(text)))

    def _named(self, text: str) -> Iterator[str]:
        for term in terms_of(text):
            part = term.avoid.term
            own = [one.what for one in self._own.mentions(part)]
            if own:
                yield from own
            elif self._judge.knows(plain := _ARTICLE.sub("", part)):
                yield plain

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        """The things that are in each picture.

        Raises:
            JudgeError: the judge cannot tell; what it did not see would else count as not there.
        """
        seen: list[frozenset[str]] = []
        for sights in self._judge.look(pictures, self._things):
            lost = next((sight for sight in sights if sight.verdict == "unknown"), None)
            if lost is not None:
                raise JudgeError(
                    f"{lost.judge} cannot tell whether {lost.concept!r} is there: {lost.why_not}"
                )
            seen.append(frozenset(sight.concept for sight in sights if sight.verdict == "seen"))
        return seen

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """[pictures, dimensions], of the zero-shot model.

        Raises:
            LabError: there is none.
        """
        from negspace.judge.zero_shot import ZeroShot  # transformers: a second

        for one in _singly(self._judge):
            if isinstance(one, ZeroShot):
                return one.observe(pictures).astype(np.float32)
        raise LabError(
            f"{self._judge.name} has no space in which alike pictures lie together; add a CLIP folder to it"
        )


def _singly(judge: Judge) -> tuple[Judge, ...]:
    return judge.judges if isinstance(judge, Panel) else (judge,)


def _concepts(judge: Judge) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a judge can name by itself, each with its words."""
    known = judge.calibration if isinstance(judge, ScoringJudge) else None
    for name in judge.concepts():
        cut = known.concepts.get(name) if known is not None else None
        yield name, (name, *(cut.also if cut is not None else ()))


def _calibrated(judge: Judge, thing: str) -> bool:
    """Whether the judge that is asked for a thing was shown examples of it, or needs none."""
    first = next((one for one in _singly(judge) if one.knows(thing)), None)
    if not isinstance(first, ScoringJudge):
        return True
    cut = first.cut(thing)
    return cut is not None and cut.caught is not None
