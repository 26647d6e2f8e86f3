"""Rules beside locked terms: a policy's, a user's that is as strong, and those of further attempts."""

import pytest

import negspace as ns
from negspace.errors import PolicyError
from negspace.guidance import RULES
from negspace.planning.locked import around
from negspace.planning.plan import Plan
from negspace.policy.loading import parse_policy
from negspace.policy.locked_rule import measured_leaks, why_weaker
from negspace.request import Request
from negspace.run.escalation import escalated
from tools import leaks

FACTS = ns.ModelFacts(name="m", scale=4.0, rules=tuple(RULES))


def policy(more: str, name: str = "p", avoid: str = "[hat]") -> ns.policy.Policy:
    return parse_policy(f"name: {name}\nversion: 1\nexplain: x\nlocked: true\navoid: {avoid}\n{more}\n")


def planned(
    *policies: ns.policy.Policy, rule: str | None = None, facts: ns.ModelFacts = FACTS, **fields: object
) -> Plan:
    request = Request.from_dict({"prompt": "a cat", "rule": rule, "seed": 5, **fields})
    return ns.plan(request, facts, operator_policies=policies)


def governed(plan: Plan) -> list[str]:
    return [finding.text for finding in plan.findings if finding.code == "governed"]


def test_the_table_is_that_of_the_frontier() -> None:
    assert leaks.table().count("\n") == len(measured_leaks()) + 2
    assert measured_leaks()["cfg"][0] < measured_leaks()["cfg"][1] < measured_leaks()["dng_oracle"][0]


@pytest.mark.parametrize(
    "rule",
    ["cfg(scale=6)", "cfg(6)", "auto", "contrastive", "fdg(cfg(scale=5))", "cfg"],
)
def test_a_users_rule_stays_where_it_is_at_least_as_strong(rule: str) -> None:
    plan = planned(policy(""), rule=rule) if "fdg" not in rule else planned(policy("rule: fdg"), rule=rule)
    assert plan.rule == rule and not governed(plan)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("cfg(scale=1.1)", "its scale is 1.1, and 4 is the least"),
        ("rescale(cfg(1.1))", "its scale is 1.1"),
        ("cfg(strength=window(0.9, 1))", "its strength changes over the steps"),
        ("perp_neg", "it leaves what is avoided in 10.7% of the pictures, cfg in 9.1%"),
        ("dual(negative=0)", "it was not measured beside cfg"),
        ("perpetual", "no rule is called 'perpetual'"),
        ("cfg(", "cannot be read"),
    ],
)
def test_a_weaker_rule_is_replaced_and_the_finding_says_why(rule: str, why: str) -> None:
    plan = planned(policy(""), rule=rule)
    (finding,) = governed(plan)
    assert plan.rule == "cfg" and finding.startswith(f"rule is cfg instead of {rule}: p@1") and why in finding


def test_a_policy_names_its_rule_and_its_strength() -> None:
    auto = policy("rule: auto\nleast_scale: 3")
    plan = planned(auto)
    assert (plan.rule, plan.scale) == ("auto", 4.0)
    assert governed(plan) == ["rule is auto instead of None: p@1 has locked terms, which must act"]
    assert planned(auto, rule="cfg").rule == "auto"
    assert planned(auto, avoid="smoke").rule == "locked(auto, most=0.05)"
    heir = parse_policy("name: h\nversion: 1\nexplain: x\navoid: [cap]\nrule: cfg(9)\n")
    assert heir.rule == "cfg(9)" and planned(heir).rule == "cfg"  # nothing of it is locked


def test_of_several_rules_the_strongest_is_taken_and_the_others_are_named() -> None:
    weak, strong = policy("rule: perp_neg", "weak"), policy("rule: auto", "strong")
    for both in ((weak, strong), (strong, weak)):
        plan = planned(*both)
        assert plan.rule == "auto"
        assert "rule auto of strong@1 is taken, not perp_neg of weak@1" in governed(plan)


def test_a_rule_that_a_model_cannot_host_is_named() -> None:
    bare = ns.ModelFacts(name="bare", scale=4.0, rules=("cfg",))
    plan = planned(policy("rule: auto\nstronger: [apg]"), facts=bare)
    assert plan.rule == "cfg" and plan.stronger == ()
    assert [text.split(" of ")[0] for text in governed(plan)] == [
        "bare cannot host rule auto",
        "bare cannot host rule apg",
    ]
    with pytest.raises(PolicyError, match="line 6: rule: no rule is called 'automatic'"):
        policy("rule: automatic")


def test_further_attempts_change_rule_strength_window_and_seed() -> None:
    block = "[{term: hat, check: block, window: [0, 0.5]}]"
    own = policy("stronger: [auto, cfg(9)]", avoid=block)
    for avoid, rules in ((None, ["cfg", "auto", "cfg(9)"]), ("smoke", ["cfg", "auto", "cfg(9)"])):
        first = planned(own, avoid=avoid)
        made = [escalated(first, ("hat",), 5, number, FACTS) for number in (1, 2, 3, 4)]
        expected = [rule if avoid is None else around(rule) for rule in (*rules, rules[-1])]
        assert [plan.rule for plan in made] == expected
        assert {plan.terms[0].avoid.window for plan in made} == {(0.0, 1.0)}
        assert [plan.terms[0].avoid.weight for plan in made] == [1.0, 1.25, 1.562, 1.953]
        assert len({plan.carried.seed for plan in made}) == 4
        assert len({term.avoid.locked for term in made[-1].terms}) == (1 if avoid is None else 2)


def test_the_measure_of_strength_is_a_preorder_on_what_was_measured() -> None:
    rules = list(measured_leaks())
    assert all(why_weaker(rule, rule, 0.0) is None for rule in rules if "strength" not in rule)
    assert why_weaker("auto", "cfg", 0.0) is None and why_weaker("cfg", "auto", 0.0) is not None
