"""When a picture is as asked, and what pairs of pictures show about that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self, final

from negspace.frozen import Frozen
from negspace.lab.picture_store import PictureRecord
from negspace.lab.stats import mcnemar_p, net_interval
from negspace.lab.trial import Design, Trial
from negspace.lab.witness import Witness

RecordPair = tuple[PictureRecord, PictureRecord]
"""What is known of the two pictures on one seed, without and with what is tested."""


@final
@dataclass(frozen=True)
class Expectation:
    """What a picture of one prompt should show and should not show.

    Attributes:
        wanted: things that the prompt names.
        unwanted: the things that each avoided term names; a picture shows a term if it shows all of them.
    """

    wanted: frozenset[str]
    unwanted: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, prompt: str, terms: Sequence[str], witness: Witness) -> Self:
        """The expectation of a prompt and the avoided terms. What is avoided is not wanted."""
        unwanted = tuple(frozenset(named) for term in terms if (named := witness.named(term)))
        return cls(frozenset(witness.named(prompt)) - frozenset().union(*unwanted), unwanted)

    def shows_avoided(self, record: PictureRecord) -> bool:
        """Whether something that is avoided is in the picture."""
        return any(things <= set(record.seen) for things in self.unwanted)

    def lacks_wanted(self, record: PictureRecord) -> bool:
        """Whether something that the prompt names is not in the picture."""
        return not self.wanted <= set(record.seen)

    def not_as_asked(self, record: PictureRecord) -> bool:
        """Whether the picture shows something avoided or lacks something wanted."""
        return self.shows_avoided(record) or self.lacks_wanted(record)


@final
class Effect(Frozen):
    """What pairs of pictures show about a fault that a picture has or has not.

    Attributes:
        before, after: share of pictures with the fault, without and with what is tested.
        effect: net share of pictures that are better, before - after.
        interval: of the effect, 95 %, valid whenever the pairs were inspected (confidence sequence).
        helped, harmed, pairs: how many got better, got worse, and were made.
        p: of "better and worse are equally likely", two-sided: McNemar's exact p where the number of pairs
            was fixed before, and `Trial.p` where pairs were added until something was shown.
    """

    before: float
    after: float
    effect: float
    interval: tuple[float, float]
    helped: int
    harmed: int
    pairs: int
    p: float

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """What the pairs of a trial show, whose number was fixed before; it must have some."""
        return cls._of(trial, mcnemar_p(trial.helped, trial.harmed))

    @classmethod
    def stopped(cls, trial: Trial) -> Self:
        """What the pairs of a trial show that was inspected as it went on; it must have some."""
        return cls._of(trial, trial.p)

    @classmethod
    def _of(cls, trial: Trial, p: float) -> Self:
        pairs = trial.pairs
        return cls(
            before=(trial.helped + trial.kept) / pairs,
            after=(trial.harmed + trial.kept) / pairs,
            effect=(trial.helped - trial.harmed) / pairs,
            interval=net_interval(trial.helped, trial.harmed, pairs),
            helped=trial.helped,
            harmed=trial.harmed,
            pairs=pairs,
            p=p,
        )


def tally(pairs: Iterable[tuple[bool, bool]], design: Design | None = None) -> Trial:
    """The counts of pairs of (fault without, fault with)."""
    cells = {(True, False): 0, (False, True): 0, (True, True): 0, (False, False): 0}
    for without, with_it in pairs:
        cells[bool(without), bool(with_it)] += 1
    helped, harmed, kept, clear = cells.values()
    settled = design or Design(most=max(1, sum(cells.values())))
    return Trial(design=settled, helped=helped, harmed=harmed, kept=kept, clear=clear)


@final
class SideEffect(Frozen):
    """A thing that a term changed besides what it names.

    Attributes:
        before, after: share of pictures that show it.
        p: valid at every inspection, times the number of things that were looked for (Bonferroni).
    """

    thing: str
    before: float
    after: float
    p: float


def side_effects(
    pairs: Sequence[RecordPair], things: Sequence[str], *, alpha: float = 0.05
) -> tuple[SideEffect, ...]:
    """The things whose share differs between the two sides of the pairs, largest difference first."""
    effects: list[SideEffect] = []
    for thing in things:
        effect = Effect.stopped(tally((thing in before.seen, thing in after.seen) for before, after in pairs))
        p = min(1.0, effect.p * len(things))
        if p < alpha:
            effects.append(SideEffect(thing=thing, before=effect.before, after=effect.after, p=p))
    return tuple(sorted(effects, key=lambda effect: -abs(effect.before - effect.after)))
