"""Study: which pictures a proof needs next, given those it has, and what they say in the end.

It makes none itself. Its course is a generator: it names the pictures that it needs and is sent what is known
of them. What it asks for depends on the question and on earlier answers alone, so a course that is begun
again with the same pictures takes the same way.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, final

from negspace.lab.arms import Arm
from negspace.lab.effects import Expectation, Effect, RecordPair, side_effects, tally
from negspace.lab.picture_store import PictureRecord
from negspace.lab.question import PicturesNeeded, Question
from negspace.lab.stats import e_bh
from negspace.lab.trial import Design, Trial
from negspace.lab.results import Confirmation, Control, TermVerdict, AlternativeResult
from negspace.lab.witness import Witness
from negspace.lab.wording import terms_text, verdict_text
from negspace.request import Avoid

FRESH: Final = 100_000
"""How far the seeds that confirm the smallest list stand off the first ones."""

FURTHER: Final = 200_000
"""How far those of other scales and rules do."""

AGAIN: Final = 2
"""Pictures that are made once more."""

Measure = Callable[[Expectation, PictureRecord], bool]


@final
@dataclass(frozen=True)
class StudyResult:
    """What a study found; `Findings` has what each of it means."""

    verdicts: dict[str, TermVerdict]
    whole: Effect | None
    controls: tuple[Control, ...]
    smallest: tuple[str, ...]
    confirmation: Confirmation | None
    tried: tuple[AlternativeResult, ...]


@final
class Study:
    """The course of a proof.

    Args:
        asked: what is to be proved.
        witness: tells what a text names.
    """

    def __init__(self, asked: Question, witness: Witness) -> None:
        self._asked = asked
        self._witness = witness
        self._tested = asked.tested
        self._none = asked.arms.arm("none")
        self._whole = asked.arms.arm("whole")
        self._looks: dict[tuple[Arm, int], PictureRecord] = {}

    @property
    def most(self) -> int:
        """Pictures it takes at most."""
        if not self._tested:
            return 0
        return self._asked.sizes.pairs * (1 + len(self._tested)) + self._left("lists")

    def run(self) -> Generator[PicturesNeeded, list[PictureRecord], StudyResult]:
        """Name what is needed, be sent what is known of it, and say in the end what it shows."""
        verdicts = yield from self._singles()
        if not self._tested:
            return StudyResult(verdicts, None, (), (), None, ())
        whole, verdicts = yield from self._lists(verdicts)
        controls = yield from self._controls()
        smallest, confirmation = yield from self._confirmed(verdicts)
        tried = yield from self._others(smallest)
        return StudyResult(verdicts, whole, controls, smallest, confirmation, tried)

    # each term by itself

    def _singles(self) -> Generator[PicturesNeeded, list[PictureRecord], dict[str, TermVerdict]]:
        sizes = self._asked.sizes
        trials: dict[str, Trial] = {}
        active, done, shown = self._tested, 0, frozenset[str]()
        while active and done < sizes.pairs:
            block = range(done, min(done + sizes.block, sizes.pairs))
            left = (sizes.pairs - block.stop) * (1 + len(active)) + self._left("lists")
            arms = [self._none, *(self.alone(one) for one in active)]
            yield from self._take("each term by itself", arms, block, left)
            done = block.stop
            for one in active:
                trials[one.term] = self._trial(self._none, self.alone(one), range(done), (one,), Expectation.not_as_asked)
            shown = shown_of(trials, self._asked.alpha)
            if done >= sizes.least:
                active = tuple(
                    one for one in active if one.term not in shown and not futile(trials[one.term])
                )
        return {
            one.term: self._verdict(one, trials[one.term], one.term in shown)
            if one.term in trials
            else self._idle(one)
            for one in self._asked.terms
        }

    def _idle(self, one: Avoid) -> TermVerdict:
        idle = self._asked.early_verdict(one.term)
        assert idle is not None, "every other term has pictures"
        return TermVerdict(term=one, kind=idle[0], why=idle[1])

    def _verdict(self, one: Avoid, trial: Trial, shown: bool) -> TermVerdict:
        seeds, alone = range(trial.pairs), self.alone(one)
        pairs = self._pairs(self._none, alone, seeds)
        tokens = max(with_it.tokens.get(one.term, 0) for _, with_it in pairs)
        if all(without.sha256 == with_it.sha256 for without, with_it in pairs):
            told = "every picture with it is the one without it, bit for bit"
            return TermVerdict(term=one, kind="inert", why=told, pairs=len(pairs), tokens=tokens)
        own = frozenset(self._witness.named(one.term))
        amiss = Effect.of(trial)
        there = self._effect(self._none, alone, seeds, (one,), Expectation.shows_avoided) if own else None
        lacking = self._effect(self._none, alone, seeds, (one,), Expectation.lacks_wanted)
        kind = ("helps" if amiss.effect > 0 else "harms") if shown else "no_evidence"
        plain, spent = (max(pair[side].evaluations for pair in pairs) for side in (0, 1))
        return TermVerdict(
            term=one,
            kind=kind,
            why=verdict_text(kind, amiss, there, lacking, self._asked.smallest, futile(trial)),
            effect=amiss.effect,
            interval=amiss.interval,
            pairs=trial.pairs,
            amiss=amiss,
            there=there,
            lacking=lacking,
            evaluations=spent,
            extra=spent - plain,
            tokens=tokens,
            changes=side_effects(pairs, [thing for thing in self._witness.things if thing not in own]),
        )

    # the list, whole and with each term left out; and what should not do as well

    def _lists(
        self, verdicts: dict[str, TermVerdict]
    ) -> Generator[PicturesNeeded, list[PictureRecord], tuple[Effect, dict[str, TermVerdict]]]:
        seeds = range(self._asked.sizes.side)
        without = {one.term: self._left_out(one) for one in self._tested}
        arms = [self._none, self._whole, *without.values()]
        yield from self._take("the list without each term", arms, seeds, self._left("controls"))
        effect = self._effect(self._none, self._whole, seeds, self._asked.terms, Expectation.not_as_asked)
        needed = {
            one.term: self._effect(without[one.term], self._whole, seeds, (one,), Expectation.not_as_asked)
            for one in self._tested
        }
        return effect, {
            term: verdict.model_copy(update={"needed": needed.get(term)})
            for term, verdict in verdicts.items()
        }

    def _controls(self) -> Generator[PicturesNeeded, list[PictureRecord], tuple[Control, ...]]:
        asked, seeds = self._asked, range(self._asked.sizes.side)
        again, strength = asked.arms.arm("again"), asked.strength
        arms = [asked.arms.arm("unrelated"), asked.arms.arm("random")]
        if not isinstance(strength, str):
            arms.append(Arm("strength", None, scale=strength, rule="cfg"))
        yield from self._take("controls", arms, seeds, self._left("fresh") + AGAIN)
        yield from self._take("controls", [self._none, again], range(AGAIN), self._left("fresh"))
        same = all(one.sha256 == two.sha256 for one, two in self._pairs(self._none, again, range(AGAIN)))
        found = [Control(name="again", description="no negative, made once more", identical=same)]
        for arm in arms:
            effect = self._effect(self._none, arm, seeds, asked.terms, Expectation.not_as_asked)
            told = terms_text(arm.avoid) if arm.avoid else f"plain guidance at scale {arm.scale:g}"
            found.append(Control(name=arm.name, description=told, effect=effect))
        if isinstance(strength, str):
            found.append(Control(name="strength", description="plain guidance", why_not=strength))
        return tuple(found)

    # the smallest list

    def _confirmed(
        self, verdicts: dict[str, TermVerdict]
    ) -> Generator[PicturesNeeded, list[PictureRecord], tuple[tuple[str, ...], Confirmation | None]]:
        """The fewest terms that are shown to keep the benefit, else all that help."""
        helping = tuple(one for one in self._tested if verdicts[one.term].kind == "helps")
        if not helping:
            return (), None
        seeds = range(FRESH, FRESH + self._asked.sizes.fresh)
        lists = list(dict.fromkeys((self._one_for_each_thing(helping, verdicts), helping)))
        made: Confirmation | None = None
        for place, few in enumerate(lists):
            small = self._list(few)
            left = self._left("others") + (0 if place else self._asked.sizes.fresh * (len(lists) - 1))
            arms = [self._none, self._whole, small]
            yield from self._take("the smallest list on fresh seeds", arms, seeds, left)
            made = self._confirmation(small, few, seeds)
            if made.keeps:
                break
        assert made is not None, "there is at least one list"
        return made.terms, made

    def _confirmation(self, small: Arm, few: tuple[Avoid, ...], seeds: range) -> Confirmation:
        benefit = self._effect(self._none, small, seeds, few, Expectation.not_as_asked)
        against = self._effect(self._whole, small, seeds, few, Expectation.not_as_asked)
        confirmed = benefit.effect > 0 and benefit.p < 0.05
        return Confirmation(
            terms=tuple(one.term for one in few),
            benefit=benefit,
            against_whole=against,
            confirmed=confirmed,
            keeps=confirmed and against.interval[0] > -benefit.effect / 2,
        )

    def _one_for_each_thing(
        self, helping: Iterable[Avoid], verdicts: dict[str, TermVerdict]
    ) -> tuple[Avoid, ...]:
        """Of terms that name the same thing the one that helps most."""
        best: dict[tuple[str, ...], Avoid] = {}
        for one in sorted(helping, key=lambda one: -(verdicts[one.term].effect or 0.0)):
            best.setdefault(tuple(sorted(self._witness.named(one.term))) or (one.term,), one)
        return tuple(one for one in helping if one in best.values())

    # other scales and rules

    def _others(self, smallest: tuple[str, ...]) -> Generator[PicturesNeeded, list[PictureRecord], tuple[AlternativeResult, ...]]:
        few, others = self._few(smallest), self._asked.alternatives
        if not few or not others:
            return ()
        seeds, now = range(FURTHER, FURTHER + self._asked.sizes.tried), self._list(few)
        arms = [other.arm(few) for other in others]
        yield from self._take("other scales and rules", [now, *arms], seeds, 0)
        effects = [self._effect(now, arm, seeds, few, Expectation.not_as_asked) for arm in arms]
        enough = self._asked.alpha / len(others)  # Bonferroni: the best of several is looked for
        best = max((one.effect for one in effects if one.p < enough), default=0.0)
        return tuple(
            AlternativeResult(
                description=other.description,
                scale=other.scale,
                rule=other.rule,
                window=other.window,
                effect=effect,
                evaluations=max(look.evaluations for _, look in self._pairs(now, arm, seeds)),
                recommended=0 < best == effect.effect and effect.p < enough,
            )
            for other, arm, effect in zip(others, arms, effects, strict=True)
        )

    # what the stages share

    def _left(self, stage: str) -> int:
        """Pictures that a stage and those after it may take at most."""
        sizes, terms = self._asked.sizes, len(self._tested)
        stages = {
            "lists": sizes.side * (1 + terms),
            "controls": sizes.side * 3 + AGAIN,
            "fresh": sizes.fresh * 4,
            "others": sizes.tried * (1 + len(self._asked.alternatives)) if self._asked.alternatives else 0,
        }
        names = list(stages)
        return sum(stages[name] for name in names[names.index(stage) :])

    def _take(
        self, stage: str, arms: Sequence[Arm], seeds: Iterable[int], ahead: int
    ) -> Generator[PicturesNeeded, list[PictureRecord], None]:
        """Ask for the pictures of some arms on some seeds, as far as they are not known yet."""
        wanted = [(arm, seed) for seed in seeds for arm in arms if (arm, seed) not in self._looks]
        if wanted:
            shots = tuple(self._asked.spec(arm, seed) for arm, seed in wanted)
            looks = yield PicturesNeeded(stage, shots, ahead)
            self._looks |= dict(zip(wanted, looks, strict=True))

    def _pairs(self, without: Arm, with_it: Arm, seeds: range) -> list[RecordPair]:
        return [(self._looks[without, seed], self._looks[with_it, seed]) for seed in seeds]

    def _trial(
        self, without: Arm, with_it: Arm, seeds: range, terms: Sequence[Avoid], measure: Measure
    ) -> Trial:
        """What a measure shows on pairs, where these terms are what is avoided."""
        words = [one.term for one in terms]
        aims = [Expectation.of(prompt, words, self._witness) for prompt in self._asked.prompts]
        pairs = zip(seeds, self._pairs(without, with_it, seeds), strict=True)
        design = Design(
            alpha=self._asked.alpha,
            smallest=self._asked.smallest,
            most=max(len(seeds), self._asked.sizes.pairs),
        )
        return tally(
            (
                (measure(aims[seed % len(aims)], one), measure(aims[seed % len(aims)], other))
                for seed, (one, other) in pairs
            ),
            design,
        )

    def _effect(
        self, without: Arm, with_it: Arm, seeds: range, terms: Sequence[Avoid], measure: Measure
    ) -> Effect:
        return Effect.of(self._trial(without, with_it, seeds, terms, measure))

    def alone(self, one: Avoid) -> Arm:
        """The arm of one term by itself; of a list of one it is the list."""
        arms = self._asked.arms
        asked = next(c for c in arms.comparisons if c.kind == "alone" and c.term == one.term)
        return arms.arm(asked.with_it)

    def _left_out(self, one: Avoid) -> Arm:
        arms = self._asked.arms
        asked = next(c for c in arms.comparisons if c.kind == "needed" and c.term == one.term)
        return arms.arm(asked.without)

    def _few(self, smallest: Sequence[str]) -> tuple[Avoid, ...]:
        return tuple(one for one in self._asked.terms if one.term in smallest)

    def _list(self, terms: tuple[Avoid, ...]) -> Arm:
        return self._whole if terms == self._asked.terms else Arm("smallest", terms)

    def shown_arms(self, smallest: Sequence[str]) -> Iterator[tuple[str, Arm]]:
        """What is worth seeing side by side: (in words, the arm)."""
        yield "no negative", self._none
        for one in self._tested:
            yield one.term, self.alone(one)
        if len(self._asked.terms) > 1 and self._tested:
            yield "the whole list", self._whole
        few = self._few(smallest)
        if 1 < len(few) < len(self._asked.terms):
            yield "the smallest list", self._list(few)


def shown_of(trials: dict[str, Trial], alpha: float) -> frozenset[str]:
    """The terms whose effect is shown, all of them taken together: e-BH."""
    kept = e_bh([trial.log_evidence for trial in trials.values()], alpha=alpha)
    return frozenset(term for term, keep in zip(trials, kept, strict=True) if keep)


def futile(trial: Trial) -> bool:
    """Whether any effect is shown to be smaller than one worth having."""
    return trial.verdict is not None and trial.verdict.reason == "futile"
