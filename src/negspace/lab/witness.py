"""Witness: what can be seen in a picture, and which words of a text name it."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.matching import Index, phrase
from negspace.avoid.terms import terms_of
from negspace.errors import JudgeError, LabError, ModelError
from negspace.judge import Judge, Oracle, Panel, ScoringJudge
from negspace.models.files.source import find_folder


class Witness(ABC):
    """Says what is in pictures, and what a text names of that.

    Attributes:
        name: how it is called in reports.
    """

    name: str

    @property
    def fingerprint(self) -> str:
        """What its answers depend on; what another one saw does not count."""
        return self.name

    @property
    @abstractmethod
    def things(self) -> tuple[str, ...]:
        """Everything that it can see."""

    @abstractmethod
    def named(self, text: str) -> tuple[str, ...]:
        """The things that a text names, each once, in order; () where it can see none of them."""

    @abstractmethod
    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        """The things that are in each picture."""

    @abstractmethod
    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """[pictures, dimensions], a space in which alike pictures lie close together."""


@final
class OracleWitness(Witness):
    """The oracle of the drawn world, which reads every attribute of a scene from pixels.

    Args:
        oracle: the network.
        world: the concepts of the world as `negspace.json` lists them: "name" and "words" of each.
    """

    name = "the oracle of the drawn world"

    def __init__(self, oracle: Oracle, world: Iterable[Mapping[str, Any]]) -> None:
        self._oracle: Final = oracle
        words = {str(concept["name"]): concept["words"] for concept in world}
        # It counts fingers, too, which says something of hands alone.
        self._things: Final = tuple(name for name in oracle.concepts() if name in words)
        self._index: Final = Index(
            (phrase(word), name) for name in self._things for word in (name, *words[name])
        )

    @property
    def things(self) -> tuple[str, ...]:
        return self._things

    def named(self, text: str) -> tuple[str, ...]:
        found = self._index.mentions(text)
        whole = [
            one
            for one in found
            if not any(
                other.start <= one.start and one.stop <= other.stop and other.what != one.what
                for other in found
                if other.stop - other.start > one.stop - one.start
            )
        ]
        return tuple(dict.fromkeys(one.what for one in whole))

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        return [
            frozenset(thing for thing in self._things if reading.has(thing))
            for reading in self._oracle.read(pictures)
        ]

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        return self._oracle.features(pictures).numpy()


def witness_of(model: str) -> Witness:
    """What can look at the pictures of a model.

    Args:
        model: its name or path.

    Raises:
        LabError: nothing here can see what is in its pictures.
    """
    try:
        world = find_folder(model).negspace_json.get("world")
    except ModelError as error:
        raise LabError(str(error)) from None
    if world is None:
        raise LabError(
            f"nothing here can see what is in the pictures of {model!r}: its folder describes no world that "
            "the oracle knows; name a judge (--judge with a CLIP or SigLIP folder, quality, or person)"
        )
    return OracleWitness(Oracle.load(), world)


@final
class Blind(Witness):
    """Sees nothing, for pictures that are only to be shown."""

    name = "nobody"

    @property
    def things(self) -> tuple[str, ...]:
        return ()

    def named(self, text: str) -> tuple[str, ...]:
        return ()

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        return [frozenset() for _ in pictures]

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        return np.zeros((len(pictures), 0), np.float32)


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
    cut = first.calibrated_detector(thing)
    return cut is not None and cut.caught is not None
