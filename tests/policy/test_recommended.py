"""What the makers of a checkpoint recommend is taken over by name, and only where it is left open."""

import negspace as ns

ANIMAGINE = ns.ModelFacts(name="animagine-xl-3.1", family="sdxl", samplers=("DPM++ 2M", "Euler a"))


def _planned(facts: ns.ModelFacts = ANIMAGINE, **fields: object) -> tuple[ns.Plan, list[str]]:
    plan = ns.plan(ns.Request.from_dict({"prompt": "a girl", **fields}), facts)
    return plan, [finding.text for finding in plan.findings if finding.code == "recommended"]


def test_a_policy_that_is_named_brings_its_settings() -> None:
    plan, (text,) = _planned(policies=("animagine-xl-3.1",))
    assert (plan.scale, plan.steps, plan.sampler) == (7.0, 28, "Euler a")
    assert text.count("is taken over") == 3


def test_what_the_request_says_stays_and_is_named() -> None:
    plan, (text,) = _planned(policies=("animagine-xl-3.1",), scale=5, steps=28)
    assert (plan.scale, plan.steps, plan.sampler) == (5.0, 28, "Euler a")
    assert "scale 7.0 is not: the request says 5.0" in text and "steps" not in text.partition(": ")[2]


def test_what_the_model_lacks_is_named() -> None:
    other = ns.ModelFacts(name="animagine-xl-3.1", family="sdxl")
    plan, (text,) = _planned(other, policies=("animagine-xl-3.1",))
    assert plan.sampler == "DPM++ 2M" and "sampler Euler a is not" in text


def test_nothing_is_taken_over_unasked() -> None:
    plan, texts = _planned()
    assert (plan.scale, plan.steps, plan.sampler, texts) == (7.5, 20, "DPM++ 2M", [])
    assert "template" in [finding.code for finding in plan.findings]
