"""What a proof may say: about all of its prompts, and no more than its judge and its budget can see."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bench.proofs as simulated
from bench.proofs import ABSENT, BLIND, DEFAULT, POPULATIONS, RARE, STARVED, WORKS, Population, Spectator
from negspace.errors import LabError
from negspace.judge import Oracle, Panel, Quality
from negspace.lab import Design, Trial, forecast
from negspace.lab.effects import Effect
from negspace.lab.picture_store import PictureRecord, PictureSpec
from negspace.lab.results import ProofSizes
from negspace.lab.stats import mcnemar, pairs_for_trial
from negspace.lab.study import FRESH
from negspace.lab.witness import JudgeWitness
from negspace.lab.wording import answer_text
from tests.lab.worlds import World, question, run


def answer(population: Population, witness: Spectator, sizes: ProofSizes = DEFAULT, prompts: int = 1) -> str:
    result = simulated.prove(simulated.question(prompts, sizes, 0), witness, population.rates)
    return answer_text(result.verdicts, result.smallest, result.confirmation)


# prompts


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 10**6), st.integers(0, 50))
def test_a_block_uses_no_prompt_again_before_all_were_used(prompts: int, seed: int, block: int) -> None:
    proof = simulated.question(prompts, DEFAULT, seed)
    seeds = range(block * proof.block, (block + 1) * proof.block)
    drawn = Counter(map(proof.prompt_number, seeds))
    assert max(drawn.values()) - min(drawn[number] for number in range(prompts)) <= 1
    if prompts <= DEFAULT.least:  # every inspection then sees each of them equally often
        assert len({drawn[number] for number in range(prompts)}) == 1
    again = simulated.question(prompts, DEFAULT, seed)
    assert [again.prompt_number(number) for number in seeds] == [*map(proof.prompt_number, seeds)]


def test_prompts_are_drawn_alike_and_otherwise_for_another_seed() -> None:
    first, other = (simulated.question(60, DEFAULT, seed) for seed in (1, 2))
    orders = [[proof.prompt_number(seed) for seed in range(4800)] for proof in (first, other)]
    assert orders[0][:120] != orders[1][:120] and orders[0][:60] != sorted(orders[0][:60])
    counts = Counter(orders[0])
    assert len(counts) == 60 and all(abs(count - 80) < 4.5 * math.sqrt(80) for count in counts.values())


@pytest.mark.parametrize("prompts", [40, 60, 120])
def test_prompts_that_differ_give_few_false_verdicts(prompts: int) -> None:
    """Half helped, half harmed, in file order. Taken in that order nearly every verdict was false."""
    assert simulated.simulate(POPULATIONS[0], prompts, proofs=30).false <= 2


@pytest.mark.slow
@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: population.name)
@pytest.mark.parametrize("prompts", [40, 60, 120])
def test_400_proofs_with_prompts_that_differ(population: Population, prompts: int) -> None:
    assert simulated.simulate(population, prompts, proofs=400).false <= 20


# what cannot be said


@pytest.mark.parametrize(("words", "population", "witness", "sizes"), BLIND)
def test_nobody_is_advised_by_who_cannot_see(
    words: str, population: Population, witness: Spectator, sizes: ProofSizes
) -> None:
    row = simulated.simulate(population, 1, 10, witness, sizes)
    assert row.advice == 0, f"{words}: {row}"


def test_what_it_takes_is_said() -> None:
    unnamed = answer(WORKS, Spectator(names=False))
    assert unnamed == "Cannot say for hat: that takes a judge that can see 'hat'."
    assert "a judge that examples show to see hat" in answer(ABSENT, Spectator(proven=False))
    starved = answer(WORKS, Spectator(), STARVED)
    assert "about 88 pairs for each term, 350 pictures in all" in starved and "--smallest" not in starved
    assert "with --smallest 0.0" in answer(RARE, Spectator())


def test_who_sees_may_advise() -> None:
    """A hat that is never there has nothing to be removed, once 119 pictures show it rarer than 2.5 %."""
    few = DEFAULT.model_copy(update={"pairs": 112})
    assert "about 120 pairs" in answer(ABSENT, Spectator(), few)
    assert answer(ABSENT, Spectator()) == "Nothing shows that the negative is necessary."
    useless = Population("always there, nothing helps", lambda _: (1.0, 1.0))
    assert answer(useless, Spectator()) == "Nothing shows that the negative is necessary."
    assert answer(WORKS, Spectator(proven=False)).startswith("Yes, for hat")


def test_what_it_takes_is_what_max_pictures_gives() -> None:
    proof = simulated.question(1, DEFAULT, 0)
    sizes = [proof.most_with(pairs) for pairs in range(8, 480, 8)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_examples_prove_a_judge() -> None:
    oracle, measures = Oracle.load(), Quality()
    for judge, thing, proven in (
        (oracle, "hat", True),
        (Panel([measures, oracle]), "hat", True),
        (measures, measures.concepts()[0] if measures.concepts() else "blurry", False),
    ):
        assert JudgeWitness(judge, [thing]).proven(thing) is proven


# numbers


@settings(deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_p_after_inspection_is_one_over_the_evidence(helped: int, harmed: int, clear: int) -> None:
    pairs = helped + harmed + clear
    if not pairs:
        return
    trial = Trial(design=Design(most=pairs), helped=helped, harmed=harmed, clear=clear)
    stopped, fixed = Effect.stopped(trial), Effect.of(trial)
    assert stopped.p == pytest.approx(min(1.0, math.exp(-trial.log_evidence)))
    assert fixed.p == mcnemar(helped, harmed, pairs).p
    assert stopped.model_copy(update={"p": fixed.p}) == fixed


def test_nine_wins_by_hand() -> None:
    """Helping has evidence of 40 to 80, as a win at most doubles it, and harming of less than 1."""
    nine = Trial().run([(True, False)] * 9)
    assert 1 / 41 < nine.p <= 1 / 20 and mcnemar(9, 0, 9).p == 2 / 2**9


def test_verdicts_have_p_values_that_hold_after_inspection() -> None:
    result = run(question("hat", "fish"), World({"hat": 0.8}, {"hat": 0.05}))
    hat = result.verdicts["hat"]
    assert hat.amiss and hat.there and result.whole
    assert hat.amiss.p > mcnemar(hat.amiss.helped, hat.amiss.harmed, hat.amiss.pairs).p
    assert result.whole.p == mcnemar(result.whole.helped, result.whole.harmed, result.whole.pairs).p


@pytest.mark.parametrize(("helped", "harmed"), [(0.24, 0.06), (0.1, 0.0), (0.3, 0.1), (0.5, 0.0)])
def test_pairs_for_a_trial_find_it_half_of_the_time(helped: float, harmed: float) -> None:
    pairs = pairs_for_trial(helped, harmed)
    assert 0.4 < forecast(Design(most=pairs), helped, harmed).helps < 0.7
    with pytest.raises(LabError, match="must be above"):
        pairs_for_trial(harmed, helped)


def test_the_second_candidate_has_seeds_of_its_own() -> None:
    """Of blurry and fuzzy, one thing, the first keeps nothing on fresh seeds, so both are tried on others."""

    class Fading(World):
        taken: dict[tuple[str, ...], set[int]] = {}

        def record(self, spec: PictureSpec) -> PictureRecord:
            record, request = super().record(spec), spec.request
            if request.seed >= FRESH and request.avoid:
                terms = tuple(avoided.term for avoided in request.avoid if not isinstance(avoided, str))
                self.taken.setdefault(terms, set()).add(request.seed)
                if terms in (("blurry",), ("fuzzy",)):
                    return record.model_copy(update={"seen": ("blurry", "cat")})
            return record

    world = Fading({"blurry": 0.6}, {"blurry": 0.05})
    result = run(question("blurry", "fuzzy"), world)
    assert result.smallest == ("blurry", "fuzzy") and result.confirmation and result.confirmation.confirmed
    alone = next(seeds for terms, seeds in world.taken.items() if len(terms) == 1)
    both = world.taken["blurry", "fuzzy"]
    assert len(alone) == 40 and len(both - alone) >= 40 and max(alone) < max(both)
