"""Sizes: what the model was trained at is used as it is, other sizes are said or fitted."""

from hypothesis import given, settings
from hypothesis import strategies as st

import negspace as ns
from negspace.models.architecture.scheduler_settings import has_few_steps
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source

SD = ns.ModelFacts(name="sd", multiple=8)
EMBEDDED = read_facts(Source("embedded"))
SIDES = st.integers(2, 256).map(lambda side: side * 8)


def _codes(plan: ns.Plan) -> list[str]:
    return [finding.code for finding in plan.findings if finding.code.startswith("size")]


@settings(deadline=None)
@given(SIDES, SIDES, st.sampled_from([SD, EMBEDDED]))
def test_a_fitted_size_is_one_the_model_was_trained_at(width: int, height: int, facts: ns.ModelFacts) -> None:
    request = ns.Request(prompt="a", width=width, height=height, fit_size=True, seed=1)
    plan = ns.plan(request, facts)
    assert facts.trained_at(plan.width, plan.height)
    fitted = (plan.width, plan.height) != (width, height)
    assert fitted != facts.trained_at(width, height)
    assert _codes(plan) == (["size-fitted"] if fitted else []) and plan.request == request


@settings(deadline=None)
@given(SIDES, SIDES)
def test_another_size_is_a_finding_and_stays(width: int, height: int) -> None:
    plan = ns.plan(ns.Request(prompt="a", width=width, height=height, seed=1), SD)
    assert (plan.width, plan.height) == (width, height)
    assert _codes(plan) == ([] if SD.trained_at(width, height) else ["size-untrained"])


def test_sizes_by_hand() -> None:
    """512x512 is native to SD 1, 512x768 is usual, 1024x1024 doubles things."""
    assert SD.trained_at(512, 512) and SD.trained_at(512, 768) and not SD.trained_at(1024, 1024)
    assert EMBEDDED.trained_at(128, 128) and not EMBEDDED.trained_at(128, 160)
    fitted = ns.plan(ns.Request(prompt="a", width=1024, height=512, fit_size=True), SD)
    assert (fitted.width, fitted.height) == (728, 360)


def test_hyper_within_a_word_is_no_few_step_model() -> None:
    """vllm-project/vllm-omni#6774: hyperrealism is an ordinary checkpoint."""
    few = "sdxl-turbo SDXL-Lightning juggernautXL_v9Rdphoto2Lightning DreamShaper8_LCM Hyper-SDXL-8steps"
    assert all(map(has_few_steps, [*few.split(), "hyper_sd15", "sdxlturbo", "model-dmd2", "flux-schnell"]))
    ordinary = "hyperrealism_v3 hyperRealism_30 disturbouring hyperion lcmixed turbocharged enlightning"
    assert not any(map(has_few_steps, ordinary.split()))


def test_a_name_that_has_a_word_of_few_steps_is_a_finding() -> None:
    named = ns.ModelFacts(name="x-turbo", steps=30, scale=5.0, named_few_steps=True)
    texts = [f.text for f in ns.plan(ns.Request(prompt="a"), named).findings if f.code == "few-steps-by-name"]
    assert len(texts) == 1 and "in 30 steps at scale 5" in texts[0] and "--few-step turbo" in texts[0]
