"""Which pictures a proof needs next, given those it has, and what they show in the end.

A study makes no pictures. `Study.run` is a generator: it yields the pictures that it needs and is sent their
records. What it yields depends only on the question and on earlier records, so a study that is run again with
the same pictures takes the same steps.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar, final

from negspace.lab.arms import Arm
from negspace.lab.effects import Effect, Expectation, RecordPair, side_effects, tally
from negspace.lab.limits import pairs_needed, pictures_of_nothing, sight_needed
from negspace.lab.picture_store import PictureRecord
from negspace.lab.question import REPEATED, PicturesNeeded, Question
from negspace.lab.results import AlternativeResult, Confirmation, Control, TermKind, TermVerdict
from negspace.lab.stats import e_bh
from negspace.lab.trial import Trial
from negspace.lab.witness import Witness
from negspace.lab.wording import reason_text, terms_text
from negspace.request import Avoid

FRESH: Final = 100_000
"""Distance from the first seeds to those that confirm the smallest list."""

FURTHER: Final = 200_000
"""Distance from the first seeds to those of the alternatives."""

IsFault = Callable[[Expectation, PictureRecord], bool]
T = TypeVar("T")
Phase: TypeAlias = Generator[PicturesNeeded, list[PictureRecord], T]
"""A part of a study: yields what it needs, is sent the records, and returns its result."""


@final
@dataclass(frozen=True)
class StudyResult:
    """What a study found; the attributes are explained in `ProofResult`."""

    verdicts: dict[str, TermVerdict]
    whole: Effect | None
    controls: tuple[Control, ...]
    smallest: tuple[str, ...]
    confirmation: Confirmation | None
    tried: tuple[AlternativeResult, ...]


@final
class Study:
    """The procedure of a proof; of its witness it asks only what a text names."""

    def __init__(self, question: Question, witness: Witness) -> None:
        self._question = question
        self._witness = witness
        self._tested = question.tested
        self._none = question.arms.arm("none")
        self._whole = question.arms.arm("whole")
        self.trials: dict[str, Trial] = {}
        self._records: dict[tuple[Arm, int], PictureRecord] = {}
        self._expectations: dict[tuple[int, tuple[str, ...]], Expectation] = {}

    def run(self) -> Phase[StudyResult]:
        """Yield what is needed, be sent the records, and return the result."""
        verdicts = yield from self._each_term()
        if not self._tested:
            return StudyResult(verdicts, None, (), (), None, ())
        whole, verdicts = yield from self._lists(verdicts)
        controls = yield from self._controls()
        smallest, confirmation = yield from self._smallest(verdicts)
        tried = yield from self._alternatives(smallest)
        return StudyResult(verdicts, whole, controls, smallest, confirmation, tried)

    def alone(self, avoided: Avoid) -> Arm:
        """The arm of one term by itself; for a list of one term it is the list."""
        arms = self._question.arms
        return arms.arm(arms.comparison("alone", avoided.term).with_it)

    def shown_arms(self, smallest: Sequence[str]) -> Iterator[tuple[str, Arm]]:
        """What a report shows side by side: (in words, the arm)."""
        yield "no negative", self._none
        for avoided in self._tested:
            yield avoided.term, self.alone(avoided)
        if len(self._question.terms) > 1 and self._tested:
            yield "the whole list", self._whole
        few = self._terms_named(smallest)
        if 1 < len(few) < len(self._question.terms):
            yield "the smallest list", self._list(few)

    # each term by itself

    def _each_term(self) -> Phase[dict[str, TermVerdict]]:
        question, sizes = self._question, self._question.sizes
        trials, active, done, shown = self.trials, self._tested, 0, frozenset[str]()
        while active and done < sizes.pairs:
            block = range(done, min(done + question.block, sizes.pairs))
            left_after = (sizes.pairs - block.stop) * (1 + len(active)) + question.most_from("lists")
            arms = [self._none, *map(self.alone, active)]
            yield from self._take("each term by itself", arms, block, left_after)
            done = block.stop
            for avoided in active:
                trials[avoided.term] = self._trial(
                    self._none, self.alone(avoided), range(done), (avoided,), Expectation.not_as_asked
                )
            shown = shown_terms(trials, question.alpha)
            if done >= sizes.least:
                active = undecided(active, trials, shown)
        yield from self._look_longer(trials, shown)
        return {
            avoided.term: question.early_verdict(avoided.term)
            or self._verdict(avoided, trials[avoided.term], avoided.term in shown)
            for avoided in question.terms
        }

    def _look_longer(self, trials: dict[str, Trial], shown: frozenset[str]) -> Phase[None]:
        """Look for things that were not there without a negative, before their terms are called needless."""
        question, enough = self._question, pictures_of_nothing(self._question)
        unseen = any(
            avoided.term not in shown
            and trials[avoided.term].futile
            and not sight_needed(self._witness, avoided.term, "no_evidence")
            and not any(self._there_without(avoided))
            for avoided in self._tested
        )
        if unseen and enough <= question.sizes.pairs:
            left_after = question.most_from("lists")
            yield from self._take("things that were not seen", [self._none], range(enough), left_after)

    def _there_without(self, avoided: Avoid) -> list[bool]:
        """Whether what a term names is there, for each picture without a negative."""
        seeds = [seed for seed in range(self._question.sizes.pairs) if (self._none, seed) in self._records]
        shows = Expectation.shows_avoided
        return self._faults(self._none, seeds, (avoided,), shows) if self._witness.named(avoided.term) else []

    def _verdict(self, avoided: Avoid, trial: Trial, shown: bool) -> TermVerdict:
        seeds, alone = range(trial.pairs), self.alone(avoided)
        pairs = self._pairs(self._none, alone, seeds)
        tokens = max(with_it.tokens.get(avoided.term, 0) for _, with_it in pairs)
        if all(without.sha256 == with_it.sha256 for without, with_it in pairs):
            why = "every picture with it is the one without it, bit for bit"
            return TermVerdict(term=avoided, kind="inert", why=why, pairs=len(pairs), tokens=tokens)
        own = frozenset(self._witness.named(avoided.term))
        amiss, (there, lacking) = Effect.stopped(trial), self._parts(avoided, seeds)
        kind = kind_of(amiss, shown)
        plain, evaluations = (max(pair[side].evaluations for pair in pairs) for side in (0, 1))
        return TermVerdict(
            term=avoided,
            kind=kind,
            why=reason_text(kind, amiss, there, lacking, self._question.smallest, trial.futile),
            effect=amiss.effect,
            interval=amiss.interval,
            pairs=trial.pairs,
            amiss=amiss,
            there=there,
            lacking=lacking,
            evaluations=evaluations,
            extra=evaluations - plain,
            tokens=tokens,
            needs=self._needs(avoided, kind, trial),
            changes=side_effects(pairs, [thing for thing in self._witness.things if thing not in own]),
        )

    def _parts(self, avoided: Avoid, seeds: range) -> tuple[Effect | None, Effect | None]:
        """The effect on what a term names, and on what is wanted missing; None for what nothing can see."""
        prompts = range(len(self._question.prompts))
        aims = [self._expectation(prompt, (avoided,)) for prompt in prompts]
        visible = any(aim.unwanted for aim in aims), any(aim.wanted for aim in aims)
        measures = Expectation.shows_avoided, Expectation.lacks_wanted
        there, lacking = (
            Effect.stopped(self._trial(self._none, self.alone(avoided), seeds, (avoided,), measure))
            if seen
            else None
            for measure, seen in zip(measures, visible, strict=True)
        )
        return there, lacking

    def _needs(self, avoided: Avoid, kind: TermKind, trial: Trial) -> str:
        needs = sight_needed(self._witness, avoided.term, kind)
        if needs or kind != "no_evidence":
            return needs
        return pairs_needed(self._question, trial, self._there_without(avoided))

    # the list, whole and with each term left out, and the controls

    def _lists(self, verdicts: dict[str, TermVerdict]) -> Phase[tuple[Effect, dict[str, TermVerdict]]]:
        question, arms = self._question, self._question.arms
        seeds, fault = range(question.sizes.side), Expectation.not_as_asked
        without = {
            avoided.term: arms.arm(arms.comparison("needed", avoided.term).without)
            for avoided in self._tested
        }
        taken = [self._none, self._whole, *without.values()]
        yield from self._take("the list without each term", taken, seeds, question.most_from("controls"))
        needed = {
            avoided.term: self._effect(without[avoided.term], self._whole, seeds, (avoided,), fault)
            for avoided in self._tested
        }
        effect = self._effect(self._none, self._whole, seeds, question.terms, fault)
        return effect, {
            term: verdict.model_copy(update={"needed": needed.get(term)})
            for term, verdict in verdicts.items()
        }

    def _controls(self) -> Phase[tuple[Control, ...]]:
        question, seeds = self._question, range(self._question.sizes.side)
        again, strength = question.arms.arm("again"), question.strength
        arms = [question.arms.arm("unrelated"), question.arms.arm("random")]
        if not isinstance(strength, str):
            arms.append(Arm("strength", None, scale=strength, rule="cfg"))
        left_after, twice = question.most_from("confirmation"), range(REPEATED)
        yield from self._take("controls", arms, seeds, left_after + REPEATED)
        yield from self._take("controls", [self._none, again], twice, left_after)
        same = all(first.sha256 == second.sha256 for first, second in self._pairs(self._none, again, twice))
        controls = [Control(name="again", description="no negative, made once more", identical=same)]
        for arm in arms:
            effect = self._effect(self._none, arm, seeds, question.terms, Expectation.not_as_asked)
            text = terms_text(arm.avoid) if arm.avoid else f"plain guidance at scale {arm.scale:g}"
            controls.append(Control(name=arm.name, description=text, effect=effect))
        if isinstance(strength, str):
            controls.append(Control(name="strength", description="plain guidance", why_not=strength))
        return tuple(controls)

    # the smallest list

    def _smallest(
        self, verdicts: dict[str, TermVerdict]
    ) -> Phase[tuple[tuple[str, ...], Confirmation | None]]:
        """The fewest terms that are shown to keep the benefit, else all terms that help."""
        helping = tuple(avoided for avoided in self._tested if verdicts[avoided.term].kind == "helps")
        if not helping:
            return (), None
        fresh = self._question.sizes.fresh
        lists = list(dict.fromkeys((self._one_per_thing(helping, verdicts), helping)))
        confirmation: Confirmation | None = None
        for index, few in enumerate(lists):
            small = self._list(few)
            seeds = range(FRESH + index * fresh, FRESH + (index + 1) * fresh)
            left_after = self._question.most_from("alternatives") + 3 * fresh * (len(lists) - 1 - index)
            arms = [self._none, self._whole, small]
            yield from self._take("the smallest list on fresh seeds", arms, seeds, left_after)
            confirmation = self._confirmation(small, few, seeds)
            if confirmation.keeps:
                break
        assert confirmation is not None, "there is at least one list"
        return confirmation.terms, confirmation

    def _confirmation(self, small: Arm, few: tuple[Avoid, ...], seeds: range) -> Confirmation:
        benefit = self._effect(self._none, small, seeds, few, Expectation.not_as_asked)
        against = self._effect(self._whole, small, seeds, few, Expectation.not_as_asked)
        confirmed = benefit.effect > 0 and benefit.p < 0.05
        return Confirmation(
            terms=tuple(avoided.term for avoided in few),
            benefit=benefit,
            against_whole=against,
            confirmed=confirmed,
            keeps=confirmed and against.interval[0] > -benefit.effect / 2,
        )

    def _one_per_thing(self, helping: Iterable[Avoid], verdicts: dict[str, TermVerdict]) -> tuple[Avoid, ...]:
        """Of terms that name the same thing only the one that helps most."""
        best: dict[tuple[str, ...], Avoid] = {}
        for avoided in sorted(helping, key=lambda avoided: -(verdicts[avoided.term].effect or 0.0)):
            best.setdefault(self._witness.key(avoided.term), avoided)
        return tuple(avoided for avoided in helping if avoided in best.values())

    # other scales and rules

    def _alternatives(self, smallest: tuple[str, ...]) -> Phase[tuple[AlternativeResult, ...]]:
        few, alternatives = self._terms_named(smallest), self._question.alternatives
        if not few or not alternatives:
            return ()
        seeds, now = range(FURTHER, FURTHER + self._question.sizes.tried), self._list(few)
        arms = [alternative.arm(few) for alternative in alternatives]
        yield from self._take("other scales and rules", [now, *arms], seeds, 0)
        effects = [self._effect(now, arm, seeds, few, Expectation.not_as_asked) for arm in arms]
        enough = self._question.alpha / len(alternatives)  # Bonferroni: the best of several is looked for
        best = max((effect.effect for effect in effects if effect.p < enough), default=0.0)
        return tuple(
            AlternativeResult(
                description=alternative.description,
                scale=alternative.scale,
                rule=alternative.rule,
                window=alternative.window,
                effect=effect,
                evaluations=max(record.evaluations for _, record in self._pairs(now, arm, seeds)),
                recommended=0 < best == effect.effect and effect.p < enough,
            )
            for alternative, arm, effect in zip(alternatives, arms, effects, strict=True)
        )

    # what the stages share

    def _take(self, stage: str, arms: Sequence[Arm], seeds: Iterable[int], left_after: int) -> Phase[None]:
        """Take the records of some arms on some seeds, and yield those that are missing."""
        missing = [(arm, seed) for seed in seeds for arm in arms if (arm, seed) not in self._records]
        if missing:
            specs = tuple(self._question.spec(arm, seed) for arm, seed in missing)
            records = yield PicturesNeeded(stage, specs, left_after)
            self._records |= dict(zip(missing, records, strict=True))

    def _pairs(self, without: Arm, with_it: Arm, seeds: range) -> list[RecordPair]:
        return [(self._records[without, seed], self._records[with_it, seed]) for seed in seeds]

    def _trial(
        self, without: Arm, with_it: Arm, seeds: range, terms: Sequence[Avoid], measure: IsFault
    ) -> Trial:
        """The trial of a measure on pairs, if these terms are what is avoided."""
        sides = [self._faults(arm, seeds, terms, measure) for arm in (without, with_it)]
        most = max(len(seeds), self._question.sizes.pairs)
        return tally(zip(*sides, strict=True), self._question.design(most))

    def _faults(self, arm: Arm, seeds: Iterable[int], terms: Sequence[Avoid], measure: IsFault) -> list[bool]:
        """A measure of the pictures of an arm, if these terms are what is avoided."""
        number = self._question.prompt_number
        return [measure(self._expectation(number(seed), terms), self._records[arm, seed]) for seed in seeds]

    def _effect(
        self, without: Arm, with_it: Arm, seeds: range, terms: Sequence[Avoid], measure: IsFault
    ) -> Effect:
        return Effect.of(self._trial(without, with_it, seeds, terms, measure))

    def _expectation(self, prompt: int, terms: Sequence[Avoid]) -> Expectation:
        """What a picture of a prompt should show, if these terms are what is avoided."""
        key = (prompt, tuple(avoided.term for avoided in terms))
        if key not in self._expectations:
            text = self._question.prompts[prompt]
            self._expectations[key] = Expectation.of(text, key[1], self._witness)
        return self._expectations[key]

    def _terms_named(self, names: Sequence[str]) -> tuple[Avoid, ...]:
        return tuple(avoided for avoided in self._question.terms if avoided.term in names)

    def _list(self, terms: tuple[Avoid, ...]) -> Arm:
        return self._whole if terms == self._question.terms else Arm("smallest", terms)


def shown_terms(trials: dict[str, Trial], alpha: float) -> frozenset[str]:
    """The terms whose effect is shown, all of them taken together (e-BH)."""
    kept = e_bh([trial.log_evidence for trial in trials.values()], alpha=alpha)
    return frozenset(term for term, keep in zip(trials, kept, strict=True) if keep)


def undecided(active: Iterable[Avoid], trials: dict[str, Trial], shown: frozenset[str]) -> tuple[Avoid, ...]:
    """The terms whose trials go on: they neither show an effect nor are futile."""
    return tuple(term for term in active if term.term not in shown and not trials[term.term].futile)


def kind_of(amiss: Effect, shown: bool) -> TermKind:
    """The kind of verdict on a term with this effect."""
    return ("helps" if amiss.effect > 0 else "harms") if shown else "no_evidence"
