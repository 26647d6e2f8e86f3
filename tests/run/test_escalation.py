"""What becomes of a picture in which something avoided was looked for: by hand, and as laws over every
course.
"""

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import negspace as ns
from negspace.facts import ModelFacts
from negspace.planning.plan import Plan, plan
from negspace.policy.loading import parse_policy
from negspace.records import JudgeVerdict, Verdict
from negspace.request import LARGEST_SEED, Avoid, Request
from negspace.run.escalation import (
    STRONGEST,
    Again,
    Attempt,
    Decision,
    Deliver,
    Limits,
    Withhold,
    decide,
    escalated,
    retry_seed,
    watched_concepts,
)

FACTS = ModelFacts(name="any", rules=("cfg",))
Check = Literal["none", "flag", "retry", "block"]


def planned(*terms: tuple[str, Check], prompt: str = "a snowman") -> Plan:
    avoid = tuple(Avoid(term=term, check=check, window=(0.2, 0.6)) for term, check in terms)
    return plan(Request(prompt=prompt, avoid=avoid, seed=5), FACTS)


def sights(**verdicts: Verdict) -> tuple[JudgeVerdict, ...]:
    return tuple(
        JudgeVerdict(concept=name, judge="test", verdict=verdict) for name, verdict in verdicts.items()
    )


def decided(
    first: Plan, seen: Sequence[tuple[JudgeVerdict, ...]], limits: Limits, elapsed: float = 0.0
) -> list[Decision]:
    """Every decision of a course whose attempts show these things."""
    attempts: list[Attempt] = []
    made: list[Decision] = []
    current = first
    for sights in seen:
        attempts.append(Attempt(current, sights))
        made.append(decide(attempts, 5, FACTS, limits, elapsed))
        if not isinstance(made[-1], Again):
            break
        current = made[-1].plan
    return made


def test_what_passes_is_delivered_without_a_flag() -> None:
    assert decided(planned(("hat", "block")), [sights(hat="absent")], Limits()) == [Deliver(0)]
    assert decided(planned(("hat", "none")), [sights(hat="seen")], Limits()) == [Deliver(0)]


def test_a_flag_is_told_and_nothing_is_made_again() -> None:
    (made,) = decided(planned(("hat", "flag")), [sights(hat="seen")], Limits())
    assert isinstance(made, Deliver) and [(one.term, one.problem) for one in made.flags] == [("hat", "seen")]


def test_a_retry_escalates_and_stops_at_the_first_picture_without_it() -> None:
    first = planned(("hat", "retry"), ("scarf", "none"))
    again, second, done = decided(
        first, [sights(hat="seen"), sights(hat="seen"), sights(hat="absent")], Limits(retries=3)
    )
    assert isinstance(again, Again) and isinstance(second, Again) and done == Deliver(2)
    hat, scarf = again.plan.terms
    assert (hat.avoid.weight, hat.avoid.window) == (1.0, (0.0, 1.0))
    assert (scarf.avoid.weight, scarf.avoid.window) == (1.0, (0.2, 0.6))
    assert (second.plan.negative, second.plan.scale) == ("(hat:1.25), scarf", 7.5)
    third = escalated(first, ("hat",), 5, 3, FACTS)
    assert third.terms[0].avoid.weight == pytest.approx(1.25**2, abs=1e-2)
    assert third.scale == pytest.approx(7.5 * 1.15)
    assert len({first.request.seed, again.plan.carried.seed, second.plan.carried.seed}) == 3
    assert again.plan.request == first.request  # it still answers to what was asked


def test_when_attempts_are_used_up_a_retry_delivers_the_best_and_a_block_withholds() -> None:
    both = sights(hat="seen", scarf="seen")
    one = sights(hat="seen", scarf="absent")
    limits = Limits(retries=2)
    *_, kept = decided(planned(("hat", "retry"), ("scarf", "flag")), [both, one, both], limits)
    assert isinstance(kept, Deliver) and kept.attempt == 1 and [flag.term for flag in kept.flags] == ["hat"]
    *_, never = decided(planned(("hat", "block"), ("scarf", "flag")), [both, one, both], limits)
    assert isinstance(never, Withhold) and [flag.term for flag in never.flags] == ["hat", "scarf"]


def test_a_block_lets_an_attempt_pass_that_only_a_retry_complains_of() -> None:
    seen = [sights(hat="absent", scarf="seen"), sights(hat="seen", scarf="absent")]
    made = decided(planned(("hat", "block"), ("scarf", "retry")), seen, Limits(retries=1))
    assert isinstance(made[-1], Deliver) and made[-1].attempt == 0


def test_a_judge_that_fails_never_passes_a_block_and_no_picture_is_made_in_vain() -> None:
    (made,) = decided(planned(("hat", "block")), [sights(hat="unknown")], Limits())
    assert isinstance(made, Withhold)
    (flagged,) = decided(planned(("hat", "retry")), [sights(hat="unknown")], Limits())
    assert isinstance(flagged, Deliver) and flagged.flags[0].problem == "unknown"


def test_what_no_judge_knows_is_flagged() -> None:
    (made,) = decided(planned(("hat", "block"), ("scarf", "flag")), [sights(scarf="absent")], Limits())
    assert isinstance(made, Deliver) and [flag.problem for flag in made.flags] == ["unchecked"]


def test_time_that_is_up_ends_a_course() -> None:
    limits = Limits(retries=9, seconds=10)
    (made,) = decided(planned(("hat", "block")), [sights(hat="seen")], limits, elapsed=10.0)
    assert isinstance(made, Withhold)


def test_a_locked_term_of_a_policy_is_escalated_and_keeps_its_lock_and_origins() -> None:
    policy = parse_policy(
        "name: no-hats\nversion: 1\nexplain: x\nlocked: true\navoid:\n- {term: hat, check: block}\n"
    )
    first = plan(
        Request(prompt="a snowman", avoid="(hats:1.4), blurry", seed=5), FACTS, operator_policies=[policy]
    )
    again = escalated(first, ("hat",), 5, 2, FACTS)
    hat = again.terms[0]
    assert (hat.avoid.weight, hat.avoid.locked, hat.avoid.check) == (1.25, True, "block")
    assert hat.origins == ("no-hats@1", "user") and again.policies == first.policies
    assert again.findings == first.findings and again.negative == "(hat:1.25), blurry"


def test_a_model_that_cannot_be_told_gets_another_seed_alone() -> None:
    first = plan(Request(prompt="a", avoid=(Avoid(term="hat", check="retry"),), scale=1.0, seed=5), FACTS)
    again = escalated(first, ("hat",), 5, 1, FACTS)
    assert again.scale == 1.0 and again.terms[0].avoid == first.terms[0].avoid
    assert again.carried.seed == retry_seed(5, 1) != 5


def test_what_is_looked_for() -> None:
    first = plan(Request(prompt="a", avoid=(Avoid(term="(hat:1.3)", check="flag"), Avoid(term="cap"))), FACTS)
    assert watched_concepts(first) == ("hat", "cap")
    wished = plan(Request(prompt="a", avoid=(Avoid(term="cap", weight=-1.0), Avoid(term="[hat]"))), FACTS)
    assert watched_concepts(wished) == ("hat",)
    assert watched_concepts(plan(Request(prompt="a"), FACTS)) == ()


checks: st.SearchStrategy[Check] = st.sampled_from(("none", "flag", "retry", "block"))
verdicts: st.SearchStrategy[Verdict] = st.sampled_from(("seen", "absent", "unknown"))
NAMES = ("hat", "scarf", "smoke")


@given(
    st.tuples(checks, checks, checks),
    st.lists(st.dictionaries(st.sampled_from(NAMES), verdicts), min_size=9, max_size=9),
    st.integers(0, 6),
    st.integers(0, LARGEST_SEED),
)
@settings(max_examples=80, deadline=None)
def test_laws_of_every_course(
    asked: tuple[Check, Check, Check], shown: list[dict[str, Verdict]], retries: int, seed: int
) -> None:
    first = planned(*zip(NAMES, asked, strict=True))
    seen = [sights(**one) for one in shown]
    made = decided(first, seen, Limits(retries=retries))
    assert 1 <= len(made) <= retries + 1  # it ends
    assert all(isinstance(one, Again) for one in made[:-1]) and not isinstance(made[-1], Again)
    blocked = [name for name, check in zip(NAMES, asked, strict=True) if check == "block"]
    outcome = made[-1]
    if isinstance(outcome, Deliver):  # what leaves never showed what is blocked, nor might have
        assert all(shown[outcome.attempt].get(name, "absent") == "absent" for name in blocked)
        assert outcome.attempt < len(made)
    else:
        assert blocked
    for one in made[:-1]:
        assert isinstance(one, Again)
        for before, after in zip(first.terms, one.plan.terms, strict=True):
            assert after.avoid.weight >= before.avoid.weight and after.avoid.check == before.avoid.check
        assert first.scale <= one.plan.scale <= first.scale * STRONGEST + 1e-3
    assert 0 <= retry_seed(seed, 1) <= LARGEST_SEED and retry_seed(seed, 1) != retry_seed(seed, 2)


def test_the_public_request_carries_checks() -> None:
    assert ns.Avoid(term="hat", check="block").check == "block"
