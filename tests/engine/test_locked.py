"""A locked term alone, and with thirty terms of a user: through the single path, for every rule."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from negspace.engine.lane import Lane
from negspace.facts import EncoderFacts, ModelFacts
from negspace.generate import Run
from negspace.planning.locked import around
from negspace.planning.plan import Plan, plan, plan_governed
from negspace.policy.loading import parse_policy
from negspace.request import Request
from tests.engine.families import FAMILIES, Formula
from tests.engine.test_acted import HOSTED

POLICY = parse_policy("name: p\nversion: 1\nexplain: x\nlocked: true\navoid: [hat, scarf]\n")
TERMS = ", ".join(f"(thing{number}:1.5)" for number in range(30))


def network(family: str, rule: str) -> Formula:
    known = FAMILIES[family]
    return replace(known, known=replace(known.facts, rules=HOSTED, rule=rule), rows=[])


def planned(facts: ModelFacts, avoid: str | None) -> Plan:
    request = Request(
        prompt="a red cat", avoid=avoid, scale=3.0, steps=4, seed=7, sampler="DDIM", width=32, height=32
    )
    return plan(request, facts, operator_policies=[POLICY])


def without_others(made: Plan, facts: ModelFacts) -> Plan:
    """The same plan, in which the push of other terms has no length."""
    carried = made.carried.model_copy(update={"rule": f"locked({facts.rule}, most=0)"})
    return plan_governed(carried, made.negative_dialect, facts, made)


def conditionings(lane: Lane, side: str) -> Sequence[torch.Tensor]:
    return [part.conditioning.hidden for part in lane._sides[0][side]]


@pytest.mark.parametrize("family", ("sd", "sdxl", "sd3"))
@pytest.mark.parametrize("rule", sorted(set(HOSTED) - {"locked"}))
def test_a_locked_term_is_told_as_if_nothing_else_were_avoided(family: str, rule: str) -> None:
    """Bit for bit the picture of the locked terms alone, where the others may not add a push of their own."""
    own = network(family, rule)
    alone, crowded = planned(own.facts, None), planned(own.facts, TERMS)
    if alone.why_not is not None:
        assert crowded.rule == alone.rule
        return
    assert crowded.rule == around(rule) and [group.name for group in crowded.groups] == [
        "locked",
        "others",
    ]
    expected = Run(own, alone, None).result()
    made = Run(own, without_others(crowded, own.facts), None).result()
    assert torch.equal(expected.latents, made.latents)


def test_long_lists_do_not_lengthen_what_is_read_of_the_prompt_and_of_locked_terms() -> None:
    own = network("sd", "cfg")
    (alone,) = Run(own, planned(own.facts, None), None).lanes
    (crowded,) = Run(own, planned(own.facts, TERMS), None).lanes
    for side, other in (("positive", "positive"), ("empty", "empty"), ("negative", "negative@locked")):
        for first, second in zip(conditionings(alone, side), conditionings(crowded, other), strict=True):
            assert torch.equal(first, second)
    assert conditionings(crowded, "negative@others")[0].shape != conditionings(crowded, "empty")[0].shape


def test_the_plan_and_the_receipt_name_the_branches_and_what_they_cost() -> None:
    own = network("sd", "cfg")
    made = planned(own.facts, "smoke")
    assert [group.stages[0].text for group in made.groups] == ["hat, scarf", "smoke"]
    (note,) = [finding.text for finding in made.findings if finding.code == "locked-branch"]
    assert note.startswith("rule locked(cfg): ") and "'hat', 'scarf'" in note
    receipt = Run(own, made, None).result().receipt
    assert receipt.rule == "locked(cfg)" and receipt.negative_acted
    branches = ("positive", "negative@locked", "negative@others", "empty")
    assert receipt.evaluations == dict.fromkeys(branches, 4)
    assert [(term.term, term.effect, term.steps) for term in receipt.terms] == [
        (name, "active", 4) for name in ("hat", "scarf", "smoke")
    ]


def test_a_rule_is_written_around_another_one_as_it_can_be_read() -> None:
    assert around("rescale(cfg, phi=0.5)") == "locked(rescale(cfg, phi=0.5))"
    assert around("traced(auto)") == "locked(traced(auto), most=0.05)"


def test_locked_terms_that_a_model_cannot_read_whole_block_the_request() -> None:
    encoder = EncoderFacts(kind="llm", chunk=3, words=None)
    short = ModelFacts("t5", encoders=(encoder,), rules=("cfg", "dual"), samplers=("DDIM",))
    assert not planned(short, "smoke").blocks
    shorter = replace(short, encoders=(replace(encoder, chunk=2),))
    (block,) = planned(shorter, "smoke").blocks
    assert block.why == "the locked terms take about 3 tokens, and t5 reads 2 at most"
    assert not planned(replace(shorter, rule="dual"), "smoke").blocks


def test_a_term_that_a_request_calls_locked_is_not() -> None:
    own = network("sd", "cfg")
    request = Request.from_dict(
        {"prompt": "a cat", "avoid": [{"term": "smoke", "locked": True, "source": "p@1"}], "steps": 2}
    )
    made = plan(request, own.facts, operator_policies=[POLICY])
    assert [group.stages[0].text for group in made.groups] == ["hat, scarf", "smoke"]
