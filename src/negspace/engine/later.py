"""Sides that are made when a rule first asks for them: most rules never do, and each costs an encoding."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import final

from negspace.engine.lane import Cast, Side


class Maker(ABC):
    """Makes further sides of the lanes of one plan.

    Attributes:
        names: of the sides that it can make.
    """

    names: tuple[str, ...]

    @abstractmethod
    def side(self, name: str, step: int, cast: Cast) -> Side:
        """What one of its sides says at a step of the sampler, brought to the length of the sides of `cast`.

        Raises:
            PromptError, EncodingError: it cannot be read or encoded.
        """


@final
class WithLater(Mapping[str, Side]):
    """A cast with further sides.

    Args:
        cast: the sides that are there.
        makers: make the others.
        step: of the sampler.
    """

    def __init__(self, cast: Cast, makers: Sequence[Maker], step: int) -> None:
        self._cast = cast
        self._makers = {name: maker for maker in makers for name in maker.names}
        self._step = step

    def __getitem__(self, name: str) -> Side:
        maker = self._makers.get(name)
        return self._cast[name] if maker is None else maker.side(name, self._step, self._cast)

    def __contains__(self, name: object) -> bool:
        return name in self._cast or name in self._makers

    def __iter__(self) -> Iterator[str]:
        yield from self._cast
        yield from self._makers

    def __len__(self) -> int:
        return len(self._cast) + len(self._makers)
