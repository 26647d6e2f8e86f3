"""What a judge is: it looks at pictures and gives one `JudgeVerdict` a concept."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Final, final

from PIL import Image

from negspace.errors import JudgeError
from negspace.records import JudgeVerdict

Picture = Image.Image


class Judge(ABC):
    """Looks at pictures.

    Attributes:
        name: its name in receipts.
    """

    name: str

    @abstractmethod
    def knows(self, concept: str) -> bool:
        """Whether it can look for a concept, in any spelling or number."""

    @abstractmethod
    def concepts(self) -> tuple[str, ...]:
        """The concepts it can list. A judge that reads any words knows more than these."""

    @abstractmethod
    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        """For each picture one verdict a concept, in the order of the concepts.

        A concept that it does not know, or a failure, gives the verdict "unknown" with a reason and never an
        error. So no picture is lost because a judge is missing, and none passes for that reason either.
        """

    @abstractmethod
    def fingerprint(self) -> str:
        """What its verdicts depend on: sha256 of weights and thresholds, or an address."""

    def timed(self, clock: "JudgeClock") -> "Judge":
        """The same judge, whose looks add to a clock; of several judges, each by its name."""
        return _Timed(self, clock)


JudgeOpener = Callable[[str], Judge]
"""Opens a judge from the text after its name: "" for `quality`, "x" for `mine:x`, "@file" for `quality@file`.

It raises JudgeError where the text names no judge. See `negspace.judge.opening`.
"""


class _SeveralJudges(Judge):
    """What judges of several judges share: all but how they look.

    Args:
        judges: whose concepts it knows.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = tuple(judges)
        self.name = ", ".join(judge.name for judge in self.judges)

    def knows(self, concept: str) -> bool:
        return any(judge.knows(concept) for judge in self.judges)

    def concepts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for judge in self.judges for name in judge.concepts()))

    def fingerprint(self) -> str:
        return " ".join(judge.fingerprint() for judge in self.judges)

    def timed(self, clock: "JudgeClock") -> Judge:
        return type(self)([judge.timed(clock) for judge in self.judges])


@final
class Panel(_SeveralJudges):
    """Several judges as one: a concept goes to the first of them that knows it.

    Args:
        judges: in that order.
    """

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        blank = {
            index: unknown(concept, self.name or "nobody", "no judge knows it")
            for index, concept in enumerate(concepts)
        }
        by_picture = [dict(blank) for _ in pictures]
        for judge, indices in self._assigned(concepts).items():
            rows = judge.look(pictures, [concepts[index] for index in indices])
            for verdicts, row in zip(by_picture, rows, strict=True):
                verdicts.update(zip(indices, row, strict=True))
        return [tuple(verdicts.values()) for verdicts in by_picture]

    def _assigned(self, concepts: Sequence[str]) -> dict[Judge, list[int]]:
        """The indices of the concepts that each judge looks for."""
        assigned: dict[Judge, list[int]] = {}
        for index, concept in enumerate(concepts):
            judge = next((judge for judge in self.judges if judge.knows(concept)), None)
            if judge is not None:
                assigned.setdefault(judge, []).append(index)
        return assigned


@final
class Jury(_SeveralJudges):
    """Several judges as one: every judge that knows a concept is asked.

    It is seen if one of them sees it, and absent if one can tell and none sees it. Of several that say so,
    the verdict is that of the first.

    Args:
        judges: all of them.
    """

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        rows = [
            [[unknown(concept, self.name, "no judge knows it")] for concept in concepts] for _ in pictures
        ]
        for judge in self.judges:
            known = [index for index, concept in enumerate(concepts) if judge.knows(concept)]
            verdicts = judge.look(pictures, [concepts[index] for index in known]) if known else ()
            for row, of_picture in zip(rows, verdicts, strict=bool(known)):
                for index, verdict in zip(known, of_picture, strict=True):
                    row[index].append(verdict)
        return [tuple(map(_joint, row)) for row in rows]


_WEIGHT: Final = {"seen": 2, "absent": 1, "unknown": 0}


def _joint(verdicts: Sequence[JudgeVerdict]) -> JudgeVerdict:
    """Of the first verdict, which is "no judge knows it", and those of judges, the one that counts."""
    return max(verdicts[1:] or verdicts, key=lambda verdict: _WEIGHT[verdict.verdict])


@final
class JudgeClock:
    """How long judges look, by name.

    Attributes:
        seconds: of wall time, over all pictures.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """Count time of a judge."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def milliseconds(self) -> dict[str, float]:
        """The time of each judge so far."""
        return {name: round(1000 * seconds, 1) for name, seconds in self.seconds.items()}


@final
class _Timed(Judge):
    """A judge whose looks are timed."""

    def __init__(self, judge: Judge, clock: JudgeClock) -> None:
        self.name = judge.name
        self._judge, self._clock = judge, clock

    def knows(self, concept: str) -> bool:
        return self._judge.knows(concept)

    def concepts(self) -> tuple[str, ...]:
        return self._judge.concepts()

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        began = perf_counter()
        try:
            return self._judge.look(pictures, concepts)
        finally:
            self._clock.add(self.name, perf_counter() - began)

    def fingerprint(self) -> str:
        return self._judge.fingerprint()


def unknown(concept: str, judge: str, why_not: str) -> JudgeVerdict:
    """The verdict of a judge that cannot decide."""
    return JudgeVerdict(concept=concept, judge=judge, verdict="unknown", why_not=why_not)


def refuse_text(name: str, text: str) -> None:
    """For openers of judges that take no text after their name.

    Raises:
        JudgeError: there is one.
    """
    if text:
        raise JudgeError(f"the judge {name} takes no text after its name, not {text!r}")
