"""diffusers' guiders: our rules agree with them, and where docs/rules.md says they are wrong they are."""

from typing import Any

import pytest
import torch
from diffusers.guiders import frequency_decoupled_guidance
from diffusers.guiders.adaptive_projected_guidance import AdaptiveProjectedGuidance
from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance
from diffusers.guiders.classifier_free_zero_star_guidance import ClassifierFreeZeroStarGuidance
from diffusers.guiders.frequency_decoupled_guidance import FrequencyDecoupledGuidance
from diffusers.guiders.magnitude_aware_guidance import MagnitudeAwareGuidance
from diffusers.guiders.perturbed_attention_guidance import PerturbedAttentionGuidance
from diffusers.guiders.skip_layer_guidance import SkipLayerGuidance
from diffusers.guiders.smoothed_energy_guidance import SmoothedEnergyGuidance
from diffusers.guiders.tangential_classifier_free_guidance import TangentialClassifierFreeGuidance
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from negspace.guidance import Cfg, Step, make
from negspace.strength import window

LAW = settings(max_examples=20, deadline=None)
SHAPE = (3, 2, 4, 4)
seeds = st.integers(0, 2**32)
scales = st.floats(0, 15)


def told(seed: int, count: int = 2) -> list[Tensor]:
    return list(torch.randn((count, *SHAPE), generator=torch.Generator().manual_seed(seed)))


def step_at(index: int = 0, count: int = 10) -> Step:
    return Step(index, count, 0.75, torch.zeros(SHAPE), 0.8, 0.6, {"negative:0": 1.0}, (0.9, 0.19**0.5))


def at(guider: Any, index: int, count: int = 10) -> Any:
    guider.set_state(index, count, torch.tensor(0))
    return guider


@given(seeds, scales)
@LAW
def test_cfg_is_theirs_in_both_conventions(seed: int, scale: float) -> None:
    c, n = told(seed)
    ours, _ = Cfg(scale).combine({"positive": c, "negative": n}, step_at(), None)
    for guider in (
        ClassifierFreeGuidance(guidance_scale=scale),
        ClassifierFreeGuidance(guidance_scale=scale - 1, use_original_formulation=True),
    ):
        assert torch.allclose(at(guider, 0).forward(c, n).pred, ours, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "text",
    ["composable", "contrastive(tau_positive=0)", "crg", "dng", "dng_oracle(posterior=constant(0))"]
    + ["dual", "perp_neg", "sega", "sld"],
)
@given(seed=seeds, scale=st.floats(1.5, 15))
@LAW
def test_where_nothing_is_avoided_every_rule_is_their_cfg(text: str, seed: int, scale: float) -> None:
    """The negative says what the empty prompt says."""
    c, u = told(seed)
    rule, step = make(text, scale=scale), step_at(5)
    if text.startswith("dng"):
        rule = make(text, scale=scale, negative=0.0)
    asked = {b.name: c if b.side == "positive" else u for b in rule.branches(step, rule.init())}
    ours, _ = rule.combine(asked, step, rule.init())
    theirs = at(ClassifierFreeGuidance(guidance_scale=scale), 5).forward(c, u).pred
    assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


@given(st.integers(0, 7), st.integers(1, 8))
@LAW
def test_a_window_between_steps_saves_what_theirs_saves(first: int, length: int) -> None:
    start, stop = first / 8, min(first + length, 8) / 8
    rule = Cfg(3.0, strength=window(start, stop))
    guider = ClassifierFreeGuidance(guidance_scale=3.0, start=start, stop=stop)
    for index in range(8):
        assert len(rule.branches(step_at(index, 8), None)) == at(guider, index, 8).num_conditions


def test_off_is_1_or_0_in_theirs() -> None:
    assert at(ClassifierFreeGuidance(1.0), 0).num_conditions == 1
    assert at(ClassifierFreeGuidance(1.0, use_original_formulation=True), 0).num_conditions == 2
    assert at(ClassifierFreeGuidance(0.0, use_original_formulation=True), 0).num_conditions == 1
    assert at(ClassifierFreeGuidance(0.0), 0).num_conditions == 2


def test_theirs_cuts_a_window_to_whole_steps() -> None:
    """From 17 % on of ten steps: step 1 lies at 10 %."""
    guider, rule = ClassifierFreeGuidance(start=0.17), Cfg(strength=window(0.17, 1.0))
    assert at(guider, 1).num_conditions == 2
    assert len(rule.branches(step_at(1), None)) == 1


@pytest.mark.parametrize(
    ("guider", "own"),
    [
        (SkipLayerGuidance(skip_layer_guidance_layers=[0], skip_layer_guidance_start=0.0), "_is_slg_enabled"),
        (
            PerturbedAttentionGuidance(perturbed_guidance_layers=[0], perturbed_guidance_start=0.0),
            "_is_slg_enabled",
        ),
        (SmoothedEnergyGuidance(seg_guidance_layers=[0], seg_guidance_start=0.0), "_is_seg_enabled"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_three_of_theirs_miss_the_first_step(guider: Any, own: str) -> None:
    assert at(guider, 0)._is_cfg_enabled() and not getattr(guider, own)()
    assert getattr(at(guider, 1, 1000), own)()


def test_their_skipped_layer_without_guidance_is_given_the_negative() -> None:
    guider = SkipLayerGuidance(1.0, skip_layer_guidance_layers=[0], skip_layer_guidance_start=0.0)
    batches = at(guider, 1).prepare_inputs({"told": (torch.tensor(1.0), torch.tensor(-1.0))})
    names = [batch.__guidance_identifier__ for batch in batches]
    assert names == ["pred_cond", "pred_cond_skip"] and float(batches[1].told) == -1.0


def test_their_tangential_guider_cannot_say_whose_turn_it_is() -> None:
    with pytest.raises(AttributeError, match="is_conditional|_num_outputs_prepared"):
        _ = TangentialClassifierFreeGuidance().is_conditional


@given(seeds)
@LAW
def test_their_apg_starts_from_the_negative(seed: int) -> None:
    """The paper: d_c + (w - 1) update. Equal to theirs where nothing is projected away, not at eta 0."""
    c, n = told(seed)
    far: dict[str, Any] = {"guidance_scale": 4.0, "adaptive_projected_guidance_rescale": 0.0}
    for eta, equal in ((1.0, True), (0.0, False)):
        pred = at(AdaptiveProjectedGuidance(**far, eta=eta), 0).forward(c, n).pred
        along = (c - n).flatten(1).mul(c.flatten(1)).sum(1) / c.flatten(1).square().sum(1)
        parallel = along[:, None, None, None] * c
        paper = c + 3.0 * (c - n - (1 - eta) * parallel)
        assert torch.allclose(pred, paper, atol=1e-3) == equal


def test_their_apg_goes_on_with_the_momentum_of_the_last_picture() -> None:
    """Its memory is cleared by being asked for inputs at step 0, not by a new picture that begins later."""
    c, n = told(0)
    guider = AdaptiveProjectedGuidance(4.0, adaptive_projected_guidance_momentum=-0.5)
    at(guider, 0).prepare_inputs({})
    first = at(guider, 3).forward(c, n).pred
    assert not torch.allclose(at(guider, 3).forward(c, n).pred, first)


def test_their_zero_star_blanks_the_prediction_whatever_it_means() -> None:
    """At scale 1, where guidance is off, and for eps, where a zero prediction is no zero velocity."""
    c, n = told(0)
    pred = at(ClassifierFreeZeroStarGuidance(guidance_scale=1.0), 0).forward(c, n).pred
    assert torch.equal(pred, torch.zeros_like(c))


def test_their_magnitude_guider_fails_on_pictures() -> None:
    c, n = told(0)
    with pytest.raises(RuntimeError, match="matrix_norm: dim must be a 2-tuple"):
        at(MagnitudeAwareGuidance(), 0).forward(c, n)


def test_their_frequency_guider_fails_where_a_level_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off at the first level there is no tensor to take; off at a later one it takes the level's before."""
    module = frequency_decoupled_guidance
    monkeypatch.setattr(module, "_CAN_USE_KORNIA", True)
    monkeypatch.setattr(module, "build_laplacian_pyramid_func", lambda x, _: [x, 2 * x], raising=False)
    monkeypatch.setattr(module, "build_image_from_pyramid", lambda levels: levels[1])
    c, n = told(0)
    with pytest.raises(UnboundLocalError, match="pred_cond_freq"):
        at(FrequencyDecoupledGuidance(guidance_scales=[1.0, 5.0]), 0).forward(c, n)
    second = at(FrequencyDecoupledGuidance(guidance_scales=[5.0, 1.0]), 0).forward(c, n).pred
    assert torch.equal(second, c) and not torch.equal(second, 2 * c)
