"""What a proof is to find out, settled before the first picture, and what a study needs on its way."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal, final

from negspace.avoid.terms import content_words
from negspace.errors import LabError
from negspace.facts import ModelFacts
from negspace.lab.arms import Ablation, Arm, ablation
from negspace.lab.picture_store import PictureSpec, Planning
from negspace.lab.results import ProofSizes, TermKind, TermVerdict
from negspace.lab.stats import checks
from negspace.lab.trial import Design
from negspace.lab.witness import Witness
from negspace.planning.plan import Plan
from negspace.request import Avoid, Request

REPEATED: Final = 2
"""Pictures without a negative that are made a second time, which must give the same pixels."""

_NOT_MEASURED: Final = "no picture is needed"
_EVERYDAY_WORDS: Final = (
    "teapot zebra guitar ladder umbrella bicycle spoon cactus lantern kite piano anchor".split()
)
"""Unrelated words for controls, where it is not known which words the encoder has learned."""

ProofStage = Literal["lists", "controls", "confirmation", "alternatives"]


@final
@dataclass(frozen=True)
class Alternative:
    """Another scale, rule or window for the smallest list; None keeps that of the request."""

    description: str
    scale: float | None = None
    rule: str | None = None
    window: tuple[float, float] | None = None

    def arm(self, terms: tuple[Avoid, ...]) -> Arm:
        """The arm that avoids these terms in this way."""
        if self.window is not None:
            terms = tuple(term.model_copy(update={"window": self.window}) for term in terms)
        return Arm(self.description, terms, self.scale, self.rule)


@final
@dataclass(frozen=True)
class Question:
    """What a proof is to find out.

    Attributes:
        prompts: drawn at random by seed; a verdict is about all of them, each counting alike.
        base: the request that every picture starts from.
        plan: of the whole list with the first prompt.
        arms: the list, whole and term by term, and the controls.
        alternatives: what else is tried with the smallest list.
        strength: the scale at which plain guidance is as strong as with the whole list, or why that is not
            known.
        sizes, alpha, smallest: as in `ProofResult`.
        candidates: most lists that may have to be confirmed, each on seeds of its own.
    """

    prompts: tuple[str, ...]
    base: Request
    plan: Plan
    arms: Ablation
    alternatives: tuple[Alternative, ...]
    strength: float | str
    sizes: ProofSizes
    alpha: float
    smallest: float
    candidates: int = 2

    def design(self, most: int) -> Design:
        """The design of a trial with at most so many pairs."""
        return Design(alpha=self.alpha, smallest=self.smallest, most=most)

    @property
    def block(self) -> int:
        """Pairs after which the evidence is inspected: whole rounds of the prompts, if these are few."""
        few = len(self.prompts) <= self.sizes.least
        return _whole_rounds(self.sizes.block, len(self.prompts)) if few else self.sizes.block

    def prompt_number(self, seed: int) -> int:
        """Which prompt a seed is made with; the seed is counted from the first one.

        Every block of seeds draws its prompts at random, none again before all were drawn. So the expected
        wealth of a bet on the mean of all prompts does not grow from one block to the next, however different
        the prompts are: Maclaurin's inequality, see docs/statistics.md.
        """
        block, place = divmod(seed, self.block)
        return _drawn(f"{self.base.seed} {block}", len(self.prompts), self.block)[place]

    @property
    def terms(self) -> tuple[Avoid, ...]:
        """The list."""
        return self.arms.arm("whole").avoid or ()

    @property
    def tested(self) -> tuple[Avoid, ...]:
        """The terms that pictures are made for."""
        return tuple(term for term in self.terms if self.early_verdict(term.term) is None)

    def early_verdict(self, term: str) -> TermVerdict | None:
        """The verdict on a term of the list that needs no pictures; None if it needs some."""
        reason = self._early_reason(term)
        avoided = next(avoided for avoided in self.terms if avoided.term == term)
        return None if reason is None else TermVerdict(term=avoided, kind=reason[0], why=reason[1])

    def _early_reason(self, term: str) -> tuple[TermKind, str] | None:
        planned = next(entry for entry in self.plan.terms if entry.avoid.term == term)
        if not self.plan.acts:
            return "inert", f"nothing that is avoided can act: {self.plan.why_not}"
        if planned.channel in ("nothing", "check only"):
            return "inert", "the model is not told about it"
        if planned.avoid.weight == 0:
            return "inert", "its weight is 0"
        if planned.known is False and all(word in planned.unknown for word in content_words(term)):
            words = ", ".join(planned.unknown)
            return "unknown", f"the text encoder has learned none of its words ({words})"
        return None

    def spec(self, arm: Arm, seed: int) -> PictureSpec:
        """The picture of an arm on a seed, counted from the first seed."""
        base = self.base
        request = base.model_copy(
            update={
                "prompt": self.prompts[self.prompt_number(seed)],
                "seed": base.seed + seed,
                "avoid": arm.avoid,
                "scale": base.scale if arm.scale is None else arm.scale,
                "rule": base.rule if arm.rule is None else arm.rule,
            }
        )
        return PictureSpec(request, arm.copy)

    def most_with(self, pairs: int) -> int:
        """The `max_pictures` that allows so many pairs for each term."""
        return _sized(self, _sizes_of(pairs, tried=0)).most

    @property
    def most(self) -> int:
        """The most pictures that the proof may need."""
        tested = len(self.tested)
        return self.sizes.pairs * (1 + tested) + self.most_from("lists") if tested else 0

    def most_from(self, stage: ProofStage) -> int:
        """The most pictures that a stage and those after it may need."""
        sizes = self.sizes
        stages: dict[ProofStage, int] = {
            "lists": sizes.side * (1 + len(self.tested)),
            "controls": sizes.side * 3 + REPEATED,
            "confirmation": sizes.fresh * 3 * self.candidates,
            "alternatives": sizes.tried * (1 + len(self.alternatives)) if self.alternatives else 0,
        }
        names = list(stages)
        return sum(stages[name] for name in names[names.index(stage) :])


@lru_cache(maxsize=1024)
def _drawn(key: str, count: int, size: int) -> tuple[int, ...]:
    """So many of the numbers below `count`, each as often as any other up to one time, in random order."""
    rng, drawn = random.Random(key), list[int]()
    while len(drawn) < size:
        drawn += rng.sample(range(count), min(count, size - len(drawn)))
    return tuple(drawn)


def _whole_rounds(pairs: int, prompts: int) -> int:
    """The least multiple of a number of prompts that is at least so many pairs."""
    return prompts * math.ceil(pairs / prompts)


@final
@dataclass(frozen=True)
class PicturesNeeded:
    """The pictures that a study needs to continue.

    Attributes:
        stage: what they are for, in words.
        left_after: the most pictures that may be needed after these.
    """

    stage: str
    specs: tuple[PictureSpec, ...]
    left_after: int


def build_question(
    facts: ModelFacts,
    plan: Planning,
    witness: Witness,
    prompts: tuple[str, ...],
    avoid: str | Sequence[Avoid],
    *,
    sizes: ProofSizes | int | None,
    alpha: float,
    smallest: float,
    fields: Mapping[str, Any],
) -> Question:
    """The question of a prompt and a list; its strength is not measured yet.

    Args:
        facts, plan: of the model.
        sizes: of the proof, or the most pictures that it may need; None takes the default sizes.
        fields: further fields of the request.

    Raises:
        LabError, NegspaceError: as `Proof`.
    """
    if not prompts:
        raise LabError("prompts: there is none; give at least one")
    checks.share("alpha", alpha)
    checks.share("smallest", smallest)
    listed = avoid if isinstance(avoid, str) else tuple(avoid)
    planned = plan(Request.from_dict({"prompt": prompts[0], "avoid": listed, **fields}))
    if not planned.terms:
        raise LabError("avoid: nothing is avoided; name what is not wanted, with commas")
    if planned.request.n != 1:
        raise LabError("n: a proof decides itself how many pictures it makes; see max_pictures")
    terms = tuple(entry.avoid for entry in planned.terms)
    base = planned.request.model_copy(update={"avoid": terms})
    words = _unrelated_words(facts, witness, (*prompts, *(term.term for term in terms)))
    question = Question(
        prompts,
        base,
        plan(base),
        ablation(terms, unrelated=words[base.seed % len(words)], words=words, seed=base.seed),
        _alternatives(facts, base),
        _NOT_MEASURED,
        ProofSizes(),
        alpha,
        smallest,
    )
    keys = [witness.key(term.term) for term in question.tested]
    question = replace(question, candidates=1 if len(set(keys)) == len(keys) else 2)
    return _sized(question, sizes) if isinstance(sizes, ProofSizes) else _fitted(question, sizes)


def _unrelated_words(facts: ModelFacts, witness: Witness, texts: Sequence[str]) -> tuple[str, ...]:
    """Words that have nothing to do with some texts; known to the encoder, if that can be known."""
    used = {word for text in texts for word in content_words(text)}
    named = {thing for text in texts for thing in witness.named(text)}
    known = sorted(facts.encoders[0].words or _EVERYDAY_WORDS)
    return tuple(
        word for word in known if word not in used and len(word) > 2 and not named & set(witness.named(word))
    )


def _alternatives(facts: ModelFacts, base: Request) -> tuple[Alternative, ...]:
    """Scales, windows and rules that are worth trying with this model."""
    scale = facts.scale if base.scale is None else base.scale
    rules = [
        rule for rule in ("dual", "perp_neg") if rule in facts.rules and (base.rule or facts.rule) != rule
    ]
    return (
        *(
            Alternative(f"scale {scale * factor:.3g}", scale=round(scale * factor, 2))
            for factor in (2 / 3, 3 / 2)
        ),
        Alternative("the list told in the first 60 % of the steps only", window=(0.0, 0.6)),
        *(Alternative(f"rule {rule}", rule=rule) for rule in rules),
    )


def _sized(question: Question, sizes: ProofSizes) -> Question:
    return replace(question, alternatives=question.alternatives if sizes.tried else (), sizes=sizes)


def _part(pairs: int) -> int:
    return max(8, pairs // 5)


def _sizes_of(pairs: int, tried: int) -> ProofSizes:
    """The sizes of a proof with so many pairs for each term."""
    side, fresh = min(_part(pairs), pairs), max(8, pairs // 3)
    return ProofSizes(pairs=pairs, least=min(24, pairs), side=side, fresh=fresh, tried=tried)


def _confirmed_longer(question: Question, spare: int) -> Question:
    """The question with a longer confirmation, as far as spare pictures and the default size go."""
    sizes = question.sizes
    fresh = max(sizes.fresh, min(ProofSizes().fresh, sizes.fresh + spare // (3 * question.candidates)))
    return replace(question, sizes=sizes.model_copy(update={"fresh": fresh}))


def _fitted(question: Question, max_pictures: int | None) -> Question:
    """The question with the largest sizes that need at most this many pictures."""
    if max_pictures is None:
        return question
    least = 0
    for pairs in range(480, 0, -8):
        for tried in (_part(pairs), 0):
            fitted = _sized(question, _sizes_of(pairs, tried))
            least = fitted.most
            if least <= max_pictures:
                return _confirmed_longer(fitted, max_pictures - least)
    raise LabError(
        f"max_pictures: {max_pictures} are too few for {len(question.terms)} terms; {least} is the least"
    )
