"""Plans: what is told, whether it acts, what is worth knowing."""

import math
from typing import Any

import pytest

import negspace as ns
from negspace.errors import PromptError, RequestError
from negspace.findings import Finding
from negspace.planning.plan import Plan

WORDS = frozenset("a cat red blue house hat blurry snow extra fingers watermark".split())
FACTS = ns.ModelFacts(
    name="m", encoders=(ns.EncoderFacts(words=WORDS),), samplers=("DPM++ 2M", "DDIM"), scale=4.0, multiple=16
)


def planned(
    prompt: str = "a red cat", avoid: Any = None, facts: ns.ModelFacts = FACTS, **fields: Any
) -> Plan:
    return ns.plan(ns.Request(prompt=prompt, avoid=avoid, **fields), facts)


def found(plan: Plan, code: str) -> list[Finding]:
    return [finding for finding in plan.findings if finding.code == code]


def test_what_is_left_open_comes_from_the_model() -> None:
    plan = planned()
    assert (plan.rule, plan.scale, plan.steps, plan.sampler, plan.width, plan.height) == (
        FACTS.rule,
        FACTS.scale,
        FACTS.steps,
        FACTS.sampler,
        FACTS.width,
        FACTS.height,
    )
    asked = planned(rule="cfg", scale=2.5, steps=7, sampler="DDIM", width=64, height=32)
    assert (asked.scale, asked.steps, asked.sampler, asked.width, asked.height) == (2.5, 7, "DDIM", 64, 32)


def test_a_text_is_sent_as_it_was_written() -> None:
    text = "blurry,(hat:1.3)   BREAK [watermark::0.5]"
    assert planned(avoid=text).negative == text
    assert planned(avoid=text).negative_at(0.9) == text


@pytest.mark.parametrize(
    ("avoid", "fields", "why"),
    [
        (None, {}, "nothing was asked"),
        ("", {}, "empty"),
        (" , ", {}, "empty"),
        ((), {}, "empty"),
        ("(hat:0)", {}, "weighs 0"),
        ("hat", {"scale": 1.0}, "the scale is 1"),
        ("hat", {"facts": ns.ModelFacts(name="m", negative_branch=False)}, "no negative branch"),
    ],
)
def test_a_negative_that_cannot_act_says_why(avoid: Any, fields: dict[str, Any], why: str) -> None:
    plan = planned(avoid=avoid, **fields)
    assert not plan.acts and why in str(plan.why_not)
    assert bool(found(plan, "inert")) == (avoid is not None)
    assert all(term.channel == "nothing" for term in plan.terms)


def test_a_negative_that_says_the_same_as_the_prompt_is_found() -> None:
    """It changes the picture (guidance is gone), so it acts; but nothing is avoided."""
    plan = planned(avoid="a red cat")
    assert plan.acts and "the same as the prompt" in found(plan, "contradiction")[0].text


def test_a_negative_of_words_that_were_never_learned_is_found() -> None:
    assert found(planned(avoid="teapot, zebra"), "unknown-negative")
    assert not found(planned(avoid="teapot, hat"), "unknown-negative")


def test_a_term_whose_time_holds_no_step_is_found() -> None:
    late = ns.Avoid(term="hat", window=(0.9, 0.95))
    (finding,) = found(planned(avoid=(late,), steps=4), "window")
    assert "none of 4" in finding.text and not found(planned(avoid=(late,), steps=20), "window")


def test_a_scale_without_a_second_branch_is_found() -> None:
    """SwarmUI 250: on FLUX the value that does something is the guidance it is told."""
    flux = ns.ModelFacts(name="FLUX.1", absent="none", distilled=True, guidance=3.5, scale=1.0)
    (finding,) = found(planned("a cat", facts=flux, scale=3.5), "scale")
    assert "does nothing" in finding.text and "--guidance" in finding.text
    assert not found(planned("a cat", facts=flux), "scale")
    assert not found(planned("a cat", facts=ns.ModelFacts(name="m"), scale=3.5), "scale")


def test_a_negative_that_acts() -> None:
    plan = planned(avoid="hat, blurry")
    assert plan.acts and plan.why_not is None and plan.findings == ()
    assert [term.channel for term in plan.terms] == ["negative branch"] * 2


def test_the_three_negatives_are_kept_apart() -> None:
    assert [planned(avoid=avoid).negative for avoid in (None, "", "hat")] == [None, "", "hat"]


def test_terms_are_told_with_their_weights_in_their_windows() -> None:
    plan = planned(
        avoid=(
            ns.Avoid(term="hat", weight=1.5),
            ns.Avoid(term="blurry", window=(0.2, 0.6)),
            ns.Avoid(term="extra fingers", window=(0.5, 1.0)),
        )
    )
    assert plan.negative == "(hat:1.5), blurry, extra fingers"
    assert [plan.negative_at(p) for p in (0.0, 0.2, 0.5, 0.6, 0.99)] == [
        "(hat:1.5)",
        "(hat:1.5), blurry",
        "(hat:1.5), blurry, extra fingers",
        "(hat:1.5), extra fingers",
        "(hat:1.5), extra fingers",
    ]
    assert planned(avoid=(ns.Avoid(term="hat", window=(0.5, 1)),)).negative_at(0.1) is None


def test_a_weight_multiplies_those_within_its_term() -> None:
    plan = planned(avoid=(ns.Avoid(term="(red:1.5) hat", weight=2.0),))
    assert ns.prompt.parse(str(plan.negative)).chunks == (("red", 3.0), (" hat", 2.0))


def test_a_weight_that_the_dialect_cannot_say_is_refused() -> None:
    with pytest.raises(PromptError, match="no weights"):
        planned(avoid=(ns.Avoid(term="hat", weight=1.5),), dialect="plain")


def test_known_means_that_every_content_word_is_known() -> None:
    plan = planned(avoid="a hat, extra teapot, extra fingers, :-|")
    assert [(term.known, term.unknown) for term in plan.terms] == [
        (True, ()),
        (False, ("teapot",)),
        (True, ()),
        (None, ()),
    ]
    (finding,) = found(plan, "unknown-word")
    assert "teapot" in finding.text and finding.side == "avoid" and finding.span == (7, 19)
    nobody = planned(avoid="teapot", facts=ns.ModelFacts(name="m"))
    assert nobody.terms[0].known is None and not found(nobody, "unknown-word")


def test_unknown_words_of_the_prompt_are_found() -> None:
    (finding,) = found(planned("a red (zebra:1.2)"), "unknown-word")
    assert finding.side == "prompt" and finding.span == (7, 12)


def test_a_term_that_is_also_wanted_is_found() -> None:
    (finding,) = found(planned("a red cat, a Hat", avoid="blurry, (hat:1.2)"), "contradiction")
    assert finding.text == "'hat' is also in the prompt" and finding.span == (9, 12)
    assert not found(planned("a red cat", avoid="blue cat"), "contradiction")
    assert not found(planned("a red, cat", avoid="red cat"), "negation")


def test_a_negation_is_found_on_both_sides() -> None:
    plan = planned("a cat without hat", avoid="no watermark, blurry")
    assert {finding.side for finding in found(plan, "negation")} == {"prompt", "avoid"}
    assert not found(planned("a cat", avoid="hat"), "negation")


def test_weights_that_do_the_opposite_are_found() -> None:
    texts = [finding.text for finding in found(planned(avoid="hat, (blurry:0), (snow:-1)"), "weight")]
    assert len(texts) == 2 and "does nothing" in texts[0] and "asks for it" in texts[1]


def test_what_the_dialect_noticed_keeps_its_place() -> None:
    plan = planned("a (cat", avoid="hat)")
    prompt, avoid = (next(one for one in plan.findings if one.side == side) for side in ("prompt", "avoid"))
    assert prompt.span == (2, 3) and avoid.span == (3, 4)


def test_long_negatives_are_found_with_an_estimate() -> None:
    assert not found(planned(avoid="hat, " * 37), "long")
    (finding,) = found(planned(avoid="hat, " * 40), "long")
    assert finding.side == "avoid" and finding.level == "note" and "80" in finding.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rule": "perp"}, "cfg"),
        ({"sampler": "ddim"}, "DDIM"),
        ({"width": 100}, "multiple of 16.*96"),
        ({"height": 8}, "multiple of 16.*16"),
        ({"dialect": "klingon"}, "klingon"),
    ],
)
def test_what_the_model_cannot_do_is_refused_with_what_it_can(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        planned(**fields)


def test_a_plan_is_a_value_with_json_both_ways() -> None:
    plan = planned(avoid="hat, (teapot:1.2)", scale=1.0)
    assert Plan.from_json(plan.to_json()) == plan == planned(avoid="hat, (teapot:1.2)", scale=1.0)
    assert math.isclose(plan.scale, 1.0)


def test_a_plan_of_an_earlier_version_is_read() -> None:
    """It says `told` where it says `channel` now."""
    plan = planned(avoid="hat, (teapot:1.2)")
    earlier = plan.to_json().replace('"channel":', '"told":')
    assert earlier.count('"told":') == 2 and Plan.from_json(earlier) == plan
