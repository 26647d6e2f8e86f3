"""Rules as text on a model: what scale they get, how they tell what is avoided, what is refused."""

from typing import Any

import pytest

import negspace as ns
from negspace.errors import RequestError
from negspace.guidance import RULES
from negspace.planning.plan import Plan

FACTS = ns.ModelFacts(name="m", scale=4.0, rules=tuple(RULES))
FEW = ns.ModelFacts(name="few", scale=4.0, rules=("cfg", "perp_neg"))
DISTILLED = ns.ModelFacts(name="turbo", distilled=True, rules=tuple(RULES))
BARE = ns.ModelFacts(name="bare", negative_branch=False, rules=tuple(RULES))


def planned(rule: str | None, facts: ns.ModelFacts = FACTS, avoid: Any = "hat", **fields: Any) -> Plan:
    return ns.plan(ns.Request(prompt="a cat", avoid=avoid, rule=rule, **fields), facts)


@pytest.mark.parametrize(
    ("rule", "asked", "scale"),
    [
        (None, None, 4.0),
        ("cfg", 3.0, 3.0),
        ("cfg(scale=2)", None, 2.0),
        ("cfg(2.5)", 7.0, 2.5),
        ("rescale(perp_neg(6, negative=1.5), phi=0.5)", None, 6.0),
        ("rescale(phi=0.5)", None, 4.0),
        ("cfg(strength=window(0.17, 0.6))", None, 4.0),
        ("nag", None, 1.0),
        ("nag", 3.0, 3.0),
        ("nag(cfg(scale=5))", None, 5.0),
        ("nag(weight=2)", None, 1.0),
    ],
)
def test_the_scale_is_that_of_the_text_then_of_the_request_then_of_the_model(
    rule: str | None, asked: float | None, scale: float
) -> None:
    plan = planned(rule, scale=asked)
    assert plan.scale == scale and plan.rule == (rule or "cfg")


def test_a_scale_that_does_nothing_is_told() -> None:
    (finding,) = planned("cfg(2.5)", scale=7.0).findings
    assert finding.code == "scale" and "2.5" in finding.text and "7" in finding.text
    (note,) = planned("nag").findings
    assert note.level == "note" and "scale 4" in note.text
    assert not planned("nag", scale=1.0).findings and not planned("cfg(scale=3)", scale=3.0).findings


@pytest.mark.parametrize(
    ("rule", "scale", "told"),
    [
        ("cfg", 4.0, "negative branch"),
        ("perp_neg", 4.0, "own branch"),
        ("perp_neg", 1.0, "own branch"),
        ("apg(dual)", 4.0, "own branch"),
        ("sld", 1.0, "negative branch"),
        ("nag", None, "attention"),
        ("nag", 3.0, "attention and negative branch"),
        ("pag", 4.0, "negative branch"),
        ("vsf(perp_neg)", 1.0, "attention and own branch"),
    ],
)
def test_how_what_is_avoided_is_told(rule: str, scale: float | None, told: str) -> None:
    plan = planned(rule, scale=scale)
    assert plan.acts and plan.why_not is None
    assert [term.channel for term in plan.terms] == [told]


@pytest.mark.parametrize(
    ("rule", "scale", "why"),
    [
        ("cfg", 1.0, "the scale is 1"),
        ("cfg(scale=1)", None, "the scale is 1"),
        ("rescale(cfg)", 1.0, "the scale is 1"),
        ("pag", 1.0, "the scale is 1"),
        ("nag(weight=0)", None, "the scale is 1"),
        ("perp_neg(strength=constant(0))", 4.0, "the strength of perp_neg is 0"),
    ],
)
def test_what_cannot_act_says_why(rule: str, scale: float | None, why: str) -> None:
    plan = planned(rule, scale=scale)
    assert not plan.acts and why in str(plan.why_not)


@pytest.mark.parametrize("rule", ["sld(warmup=1)", "sega(warmup=0.9)", "sega(warmup=0.3, cooldown=0.3)"])
def test_a_warm_up_that_lasts_is_why_nothing_acts(rule: str) -> None:
    plan = planned(rule, steps=4)
    assert not plan.acts and "its warm-up lasts" in str(plan.why_not)
    assert any(finding.code == "inert" for finding in plan.findings)


def test_a_window_without_a_step_is_why_nothing_acts() -> None:
    assert not planned("cfg(strength=window(0.9, 0.95))", steps=4).acts
    assert planned("cfg(strength=window(0.9, 0.95))", steps=20).acts
    assert planned('cfg(strength=window(3, 2, axis="sigma"))', steps=1).acts, "the noise is not known yet"


def test_cfg_pp_that_draws_what_is_avoided_is_found() -> None:
    """Its factor is scale / 12.5, times about 4.5 in 20 steps."""

    def remarks(scale: float, **fields: Any) -> list[str]:
        plan = planned("cfg_pp", scale=scale, **{"steps": 20, **fields})
        return [finding.text for finding in plan.findings if finding.code == "rule"]

    assert "draws what is avoided" in remarks(2.5)[0] and not remarks(7.5)
    assert remarks(7.5, steps=4) and not remarks(2.5, avoid=None) and not remarks(1.0)


@pytest.mark.parametrize(
    ("rule", "facts", "told"),
    [
        ("perp_ne", FACTS, "no rule is called 'perp_ne'; did you mean 'perp_neg'"),
        ("rescale(cgf)", FACTS, "no rule is called 'cgf'; did you mean .*'cfg'"),
        ("window(0.1, 0.2)", FACTS, "is a strength.*cfg.strength=window"),
        ("nag", FEW, "few cannot host rule nag, which needs cross-attention.*it can host: cfg, perp_neg"),
        ("rescale(pag)", FEW, "cannot host rule rescale"),
        ("autoguidance", FACTS, "needs a second, weaker network: write autoguidance.weak="),
        ("cfg(scale=-1)", FACTS, "scale must be a number from 0 on"),
        ("perp_neg(-2)", FACTS, "scale must be a number from 0 on"),
        ("cfg(scale='big')", FACTS, "scale must be a number"),
        ("", FACTS, "cannot be read"),
        ("cfg(", FACTS, "cannot be read"),
        ("cfg", DISTILLED, "distilled.*scale 7.5.*use scale 1, and to avoid something.*nag"),
        ("nag(cfg(scale=3))", DISTILLED, "distilled"),
        ("perp_neg(scale=1)", DISTILLED, "distilled"),
        ("perp_neg", BARE, "bare has no negative branch, which rule perp_neg needs; use scale 1.*nag"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(rule: str | None, facts: ns.ModelFacts, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        planned(rule, facts)


def test_attention_works_where_a_branch_does_not() -> None:
    for facts in (DISTILLED, BARE):
        assert planned("nag", facts).terms[0].channel == "attention"
    assert planned("cfg(scale=1)", DISTILLED).why_not == "the scale is 1, where only the prompt is evaluated"
    assert planned(None, DISTILLED, avoid=None).scale == 7.5
