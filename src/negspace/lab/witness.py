"""A witness says what is in a picture, and which things a text names.

Of the avoided terms and the prompt it decides what a picture should show and should not show; of the pictures
it decides whether they do.
"""

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
from negspace.generate import Model
from negspace.judge import Judge, Oracle, Panel, ScoringJudge
from negspace.models.files.source import find_folder


class Witness(ABC):
    """Says what is in pictures, and which of these things a text names.

    Attributes:
        name: how it is called in reports.
    """

    name: str

    @property
    def fingerprint(self) -> str:
        """What its answers depend on; records of a witness with another fingerprint are not used."""
        return self.name

    @property
    @abstractmethod
    def things(self) -> tuple[str, ...]:
        """Everything that it can see."""

    @abstractmethod
    def named(self, text: str) -> tuple[str, ...]:
        """The things that a text names, each once, in order; () if it can see none of them."""

    def key(self, term: str) -> tuple[str, ...]:
        """What a term names, or the term itself; equal for terms that name the same things."""
        return tuple(sorted(self.named(term))) or (term,)

    def proven(self, thing: str) -> bool:
        """Whether pictures of known content show that it tells this thing from its absence."""
        return False

    @abstractmethod
    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        """The things that are in each picture."""

    @abstractmethod
    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """[pictures, dimensions], in a space where similar pictures lie close together."""


def choose_witness(witness: Witness | Judge | None, model: Model, texts: Sequence[str]) -> Witness:
    """The witness for the pictures of a model.

    Args:
        witness: a witness, or a judge that becomes one; None takes the oracle if it knows the model's world.
        texts: the prompts and avoided terms of the question.

    Raises:
        LabError: none was given, and nothing here can see what is in the pictures.
    """
    if witness is None:
        return witness_of(model.path)
    return JudgeWitness(witness, texts) if isinstance(witness, Judge) else witness


def witness_of(model: str) -> Witness:
    """The witness for a model, by name or path, whose world the oracle knows.

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
class BlindWitness(Witness):
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


@final
class OracleWitness(Witness):
    """The oracle of the drawn world, which reads every attribute of a scene from the pixels.

    Args:
        oracle: the network.
        world: the concepts of the world as `negspace.json` lists them: "name" and "words" of each.
    """

    name = "the oracle of the drawn world"

    def __init__(self, oracle: Oracle, world: Iterable[Mapping[str, Any]]) -> None:
        self._oracle: Final = oracle
        words = {str(concept["name"]): concept["words"] for concept in world}
        # The oracle also counts fingers, which is no concept of the world.
        self._things: Final = tuple(name for name in oracle.concepts() if name in words)
        self._index: Final = Index(
            (phrase(word), name) for name in self._things for word in (name, *words[name])
        )

    @property
    def things(self) -> tuple[str, ...]:
        return self._things

    def named(self, text: str) -> tuple[str, ...]:
        mentions = self._index.mentions(text)
        # A mention inside a longer one of another thing does not count.
        whole = [
            mention
            for mention in mentions
            if not any(
                other.start <= mention.start and mention.stop <= other.stop and other.what != mention.what
                for other in mentions
                if other.stop - other.start > mention.stop - mention.start
            )
        ]
        return tuple(dict.fromkeys(mention.what for mention in whole))

    def proven(self, thing: str) -> bool:
        return thing in self._things

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        return [
            frozenset(thing for thing in self._things if reading.has(thing))
            for reading in self._oracle.read(pictures)
        ]

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        return self._oracle.features(pictures).numpy()


_ARTICLE: Final = re.compile(r"^(an?|the)\s+", re.IGNORECASE)


@final
class JudgeWitness(Witness):
    """Sees what a judge sees: everything that it was calibrated for, and whatever else the texts name.

    A text names the judge's own concepts wherever it mentions them. Of the rest each part between commas is
    one thing, if the judge knows it: a zero-shot model knows anything, quality measures know only defects.

    Args:
        judge: looks at the pictures.
        texts: prompts and avoided terms of the question.
    """

    def __init__(self, judge: Judge, texts: Sequence[str]) -> None:
        self._judge: Final = judge
        own = [concept for member in _members(judge) for concept in _concepts(member)]
        self._own: Final = Index((phrase(word), name) for name, words in own for word in words)
        named = [thing for text in texts for thing in self.named(text)]
        self._things: Final = tuple(dict.fromkeys((*(name for name, _ in own), *named)))
        rough = [thing for thing in dict.fromkeys(named) if not _calibrated(judge, thing)]
        self.name = judge.name + (
            f" (no examples set its thresholds for {', '.join(rough)})" if rough else ""
        )

    @property
    def things(self) -> tuple[str, ...]:
        return self._things

    @property
    def fingerprint(self) -> str:
        identity = f"{self._judge.fingerprint()} {self._things}"
        return f"{self._judge.name} {hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    def named(self, text: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._named(text)))

    def _named(self, text: str) -> Iterator[str]:
        for term in terms_of(text):
            part = term.avoid.term
            own = [mention.what for mention in self._own.mentions(part)]
            if own:
                yield from own
            elif self._judge.knows(plain := _ARTICLE.sub("", part)):
                yield plain

    def proven(self, thing: str) -> bool:
        member = _asked_member(self._judge, thing)
        detector = member.calibrated_detector(thing) if isinstance(member, ScoringJudge) else None
        return isinstance(member, Oracle) or (detector is not None and detector.distinguishes)

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        """The things that are in each picture.

        Raises:
            JudgeError: the judge cannot decide; that must not count as absent.
        """
        seen: list[frozenset[str]] = []
        for verdicts in self._judge.look(pictures, self._things):
            unknown = next((verdict for verdict in verdicts if verdict.verdict == "unknown"), None)
            if unknown is not None:
                raise JudgeError(
                    f"{unknown.judge} cannot tell whether {unknown.concept!r} is there: {unknown.why_not}"
                )
            seen.append(frozenset(verdict.concept for verdict in verdicts if verdict.verdict == "seen"))
        return seen

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """[pictures, dimensions], of the zero-shot model.

        Raises:
            LabError: there is none.
        """
        from negspace.judge.judges.zero_shot import ZeroShot  # imports transformers, which takes a second

        for member in _members(self._judge):
            if isinstance(member, ZeroShot):
                return member.observe(pictures).astype(np.float32)
        raise LabError(
            f"{self._judge.name} has no space in which alike pictures lie together; add a CLIP folder to it"
        )


def _members(judge: Judge) -> tuple[Judge, ...]:
    return judge.judges if isinstance(judge, Panel) else (judge,)


def _asked_member(judge: Judge, thing: str) -> Judge | None:
    """The judge that is asked about a thing: the first that knows it."""
    return next((member for member in _members(judge) if member.knows(thing)), None)


def _concepts(judge: Judge) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The concepts that a judge knows by itself, each with its words."""
    calibration = judge.calibration if isinstance(judge, ScoringJudge) else None
    for name in judge.concepts():
        detector = calibration.concepts.get(name) if calibration is not None else None
        yield name, (name, *(detector.also if detector is not None else ()))


def _calibrated(judge: Judge, thing: str) -> bool:
    """Whether the judge that is asked about a thing was shown examples of it, or needs none."""
    first = _asked_member(judge, thing)
    if not isinstance(first, ScoringJudge):
        return True
    detector = first.calibrated_detector(thing)
    return detector is not None and detector.caught is not None
