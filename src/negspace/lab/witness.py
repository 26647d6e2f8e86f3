"""Witness: what can be seen in a picture, and which words of a text name it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.matching import Index, phrase
from negspace.errors import LabError, ModelError
from negspace.judge import Oracle
from negspace.models.folder import find_folder


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
        world = find_folder(model).own.get("world")
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
