"""Requests under policies: who counts first, what gives way, what is understood, and that it is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import negspace as ns
from negspace.avoid import AvoidList
from negspace.avoid.merging import Claim, Rank, merge
from negspace.avoid.negations import negation_in, whole_negation
from negspace.errors import PolicyError
from negspace.planning.plan import Plan
from negspace.policy.loading import parse_policy

FACTS = ns.ModelFacts(name="m", scale=4.0)


def policy(avoid: str, more: str = "") -> Any:
    return parse_policy(f"name: p\nversion: 2\nexplain: Because.\n{more}\navoid: {avoid}\n")


def planned(
    prompt: str, avoid: Any = None, *policies: Any, facts: ns.ModelFacts = FACTS, **fields: Any
) -> Plan:
    return ns.plan(ns.Request(prompt=prompt, avoid=avoid, **fields), facts, operator_policies=policies)


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def claim(term: str, rank: Rank = Rank.USER, **fields: Any) -> Claim:
    return Claim.of(ns.Avoid(term=term, **fields), rank)


def test_the_same_thing_is_one_term_whatever_its_spelling() -> None:
    merged, findings = merge(
        [
            claim("grey scarves", weight=1.1, source="a"),
            claim("hat"),
            claim("gray scarf", weight=1.4, window=(0.5, 1.0), source="b", check="flag"),
            claim("art"),
            claim("cartoon"),
        ]
    )
    assert [entry.avoid.term for entry in merged.terms] == ["grey scarves", "hat", "art", "cartoon"]
    scarf = merged.terms[0]
    assert (scarf.avoid.weight, scarf.avoid.window, scarf.avoid.check) == (1.4, (0.0, 1.0), "flag")
    assert scarf.origins == ("a", "b")
    assert [finding.code for finding in findings] == ["joined"]


def test_a_locked_term_stays_as_it_is_and_goes_first() -> None:
    merged, findings = merge(
        [
            claim("cat"),
            claim("hats", weight=1.9, window=(0.5, 1)),
            claim("hat", Rank.LOCKED, weight=1.2, window=(0.2, 1), source="p@2", locked=True),
        ]
    )
    hat = merged.terms[0]
    assert (hat.avoid.term, hat.avoid.weight, hat.avoid.window, hat.locked) == ("hat", 1.2, (0.2, 1.0), True)
    assert {finding.code for finding in findings} == {"locked", "joined"}


TERM = st.sampled_from(
    ["hat", "hats", "low quality", "low-quality", "art", "cartoon", "grey cat", "gray cats"]
)


@settings(deadline=None)
@given(st.lists(st.tuples(TERM, st.floats(0.1, 2.0), st.sampled_from(list(Rank))), max_size=12))
def test_merging_again_changes_nothing_and_loses_nobody(rows: list[tuple[str, float, Rank]]) -> None:
    claims = [
        Claim.of(ns.Avoid(term=term, weight=weight, source=f"s{n}", locked=rank is Rank.LOCKED), rank)
        for n, (term, weight, rank) in enumerate(rows)
    ]
    merged, _ = merge(claims)
    again, findings = merge(
        Claim.of(entry.avoid, Rank.LOCKED if entry.locked else Rank.USER) for entry in merged.terms
    )
    assert again.avoids == merged.avoids and not findings
    assert sorted(one for entry in merged.terms for one in entry.origins) == sorted(
        f"s{n}" for n in range(len(rows))
    )
    assert [entry.locked for entry in merged.terms] == sorted((e.locked for e in merged.terms), reverse=True)


@pytest.mark.parametrize(
    ("piece", "terms"),
    [
        ("no people", ("people",)),
        ("without hats", ("hats",)),
        ("not blurry", ("blurry",)),
        ("don't draw any hats", ("hats",)),
        ("with no people or cars", ("people", "cars")),
        ("a cat without a hat", ("hat",)),
        ("no smoking sign", None),
        ("not only red", None),
        ("no no hat", None),
        ("not without a hat", None),
        ("without a doubt", None),
        ("north", None),
        ("a nose", None),
        ("no (hat)", None),
    ],
)
def test_negations_are_understood_where_there_is_no_doubt(piece: str, terms: tuple[str, ...] | None) -> None:
    negation = negation_in(piece)
    assert (None if negation is None else negation.terms) == terms


def test_in_a_list_of_what_to_avoid_without_is_part_of_a_thing() -> None:
    assert whole_negation("house without windows") is None


@pytest.mark.parametrize(
    ("prompt", "avoid", "positive", "negative"),
    [
        ("a beach, no people", None, "a beach", "people"),
        ("no people, a beach", "blurry", "a beach", "blurry, people"),
        ("a cat without a hat, snow", "", "a cat, snow", "hat"),
        ("a beach", "no people, blurry", "a beach", "people, blurry"),
        ("a beach, (no people:1.3)", None, "a beach, (:1.3)", "(people:1.3)"),
        ("a beach", "blurry, (hat:1.2)", "a beach", "blurry, (hat:1.2)"),
    ],
)
def test_negations_in_either_field_mean_what_they_say(
    prompt: str, avoid: str | None, positive: str, negative: str
) -> None:
    plan = planned(prompt, avoid)
    assert (plan.positive, plan.negative) == (positive, negative)
    assert ("negation" in codes(plan)) == (positive != prompt or negative != avoid)


def test_the_user_counts_before_a_policy_that_is_not_locked() -> None:
    plan = planned("a cartoon house", "blurry", policy("[cartoon, text]"))
    assert plan.negative == "blurry, text" and "conflict" in codes(plan)
    assert planned("art, a cat", None, policy("[cartoon, art deco]")).negative == "cartoon, art deco"


def test_a_locked_policy_counts_before_the_user() -> None:
    locked = policy("[cartoon]", "locked: true")
    plan = planned("a house, with a big cartoon, snow", None, locked)
    assert plan.negative == "cartoon" and "cartoon" not in plan.positive and "snow" in plan.positive
    assert "conflict" in codes(plan) and not plan.blocks


def test_unless_lifts_but_not_by_a_negation() -> None:
    medical = policy("[{term: blood, unless: [medical]}]", "locked: true")
    assert planned("a medical picture", None, medical).negative is None
    assert planned("a medical picture", "", medical).negative == ""
    assert planned("a picture, not medical", None, medical).negative == "blood, medical"


def test_a_check_that_blocks_refuses_the_request() -> None:
    plan = planned("a cat in a hat", None, policy("[{term: hat, check: block}]", "locked: true"))
    (block,) = plan.blocks
    assert (block.term, block.policy) == ("hat", "p@2") and "Because." in str(block)
    assert "blocked" in codes(plan)


@pytest.mark.parametrize(("who", "unchecked"), [("lax", "deliver"), ("both", "refuse"), ("strict", "refuse")])
def test_a_block_goes_unchecked_only_where_everyone_who_blocks_accepts_it(who: str, unchecked: str) -> None:
    lax = policy("[{term: hat, check: block}]", "locked: true\nunchecked: deliver")
    strict = policy("[{term: hat, check: block}]")
    asked = {"lax": (lax,), "both": (lax, strict), "strict": (strict,)}[who]
    (hat,) = planned("a cat", (ns.Avoid(term="hat", check="flag"),), *asked).terms
    assert (hat.avoid.check, hat.avoid.unchecked) == ("block", unchecked)


def test_what_one_policy_lifts_another_still_forbids() -> None:
    lifting = policy("[{term: hat, unless: [hat shop]}]", "locked: true")
    strict = policy("[{term: cap, also: [hat]}, scarf]", "locked: true")
    plan = planned("a hat shop", None, lifting, strict)
    assert plan.positive == "shop" and [one.avoid.term for one in plan.terms] == ["cap", "scarf"]
    assert {"lifted", "conflict"} <= set(codes(plan))


def test_required_words_are_added_once() -> None:
    calm = policy("[hat]", "require: [calm, soft light]")
    assert planned("a cat, Calm", None, calm).positive == "a cat, Calm, soft light"
    assert planned("(a cat", None, calm).positive == "calm, soft light, (a cat"
    assert planned("", None, calm).positive == "calm, soft light"


def test_whoever_asked_is_kept() -> None:
    plan = planned("a cat", "text, Hats", policy("[hat, scarf]"), policies=("quality-marks",))
    origins = {term.avoid.term: term.origins for term in plan.terms}
    assert origins["Hats"] == ("user", "p@2") and origins["text"] == ("user", "quality-marks@1")
    assert origins["scarf"] == ("p@2",)
    assert [record.required_by for record in plan.policies] == ["operator", "request"]


def test_a_policy_for_others_is_told_and_does_nothing() -> None:
    plan = planned("a cat", None, policies=("pony-diffusion-v6",))
    assert plan.negative is None and codes(plan) == ["policy"]
    assert plan.policies[0].why_not is not None
    tenant = policy("[hat]", "applies_to: {tenants: [acme]}")
    told = ns.plan(ns.Request(prompt="a cat"), FACTS, operator_policies=[tenant], tenant="acme")
    assert told.negative == "hat"


def test_a_model_that_cannot_be_told_blocks_what_is_locked() -> None:
    mute = ns.ModelFacts(name="m", negative_branch=False)
    assert planned("a cat", None, policy("[hat]", "locked: true"), facts=mute).blocks
    checked = planned("a cat", None, policy("[{term: hat, check: flag}]", "locked: true"), facts=mute)
    assert not checked.blocks and checked.terms[0].channel == "check only"
    free = planned("a cat", None, policy("[hat]"), facts=mute)
    assert not free.blocks and free.terms[0].channel == "nothing"


def test_the_scale_is_held_and_a_policy_may_allow_less() -> None:
    assert planned("a cat", None, policy("[hat]", "locked: true"), scale=1.5).scale == 4.0
    assert planned("a cat", None, policy("[hat]", "locked: true\nleast_scale: 2"), scale=1.5).scale == 2.0
    assert planned("a cat", None, policy("[hat]", "locked: true"), scale=9.0).scale == 9.0
    assert planned("a cat", None, policy("[hat]"), scale=1.5).scale == 1.5


def test_only_a_model_that_reads_running_text_drops_terms_by_rank_and_weight() -> None:
    avoid = ", ".join(f"thing{number}" for number in range(5))
    marks = policy("[{term: hat, locked: true}, {term: scarf, weight: 0.5}, cap]")
    running = ns.ModelFacts(name="m", encoders=(ns.EncoderFacts(kind="llm", chunk=13, words=None),))
    plan = planned("a cat", avoid, marks, facts=running)
    assert plan.negative == f"hat, {avoid}"
    assert codes(plan).count("budget") == 2
    clip = ns.ModelFacts(name="m", encoders=(ns.EncoderFacts(chunk=13),))
    assert len(planned("a cat", avoid, marks, facts=clip).terms) == 8


def test_an_unknown_policy_is_told_with_those_there_are() -> None:
    with pytest.raises(PolicyError, match="quality-floor"):
        planned("a cat", None, policies=("quality-flor",))


def test_a_plan_under_policies_is_a_value_with_json_both_ways() -> None:
    plan = planned("a cat in a hat", "text", policy("[{term: hat, check: block}]", "locked: true"))
    assert Plan.from_json(plan.to_json()) == plan


def test_an_avoid_list_is_a_value_with_json_both_ways() -> None:
    several = AvoidList.of("hat, (hats:1.2), [text:0.5]")
    assert AvoidList.from_json(several.to_json()) == several
    assert [avoid.weight for avoid in several.avoids] == [1.2, 1.0]
    assert AvoidList.of(several) is several and AvoidList.of(None) == AvoidList()
    assert several.entry("HAT") == several.terms[0] and several.entry("cat") is None
