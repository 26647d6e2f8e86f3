"""Against diffusers' guiders, where they are right; where they are not, that they differ as docs say."""

from typing import Any

import pytest
import torch
from diffusers.guiders.adaptive_projected_guidance import MomentumBuffer, normalized_guidance
from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance
from diffusers.guiders.classifier_free_zero_star_guidance import ClassifierFreeZeroStarGuidance
from diffusers.guiders.tangential_classifier_free_guidance import TangentialClassifierFreeGuidance
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor

from negspace.guidance import Cfg, Rule, Space, Step, convert
from negspace.guidance.rules.apg import Apg
from negspace.guidance.rules.cfg_zero import CfgZero
from negspace.guidance.rules.rescale import Rescale
from negspace.guidance.rules.tcfg import Tcfg
from negspace.guidance.rules.threshold import Threshold

SHAPE = (3, 4, 8, 8)
ROOT = (4 * 8 * 8) ** 0.5
SCALE = 7.5


def noise(seed: int) -> Tensor:
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed))


def step(index: int = 5) -> Step:
    return Step(index, 20, 0.8 / 0.6, noise(99), 0.6, 0.8, {})


def pair(seed: int) -> tuple[Tensor, Tensor]:
    """A positive and a negative prediction that are alike, as those of networks are."""
    shared = noise(seed)
    return shared + 0.3 * noise(seed + 1), shared + 0.3 * noise(seed + 2)


def ours(rule: Rule[Any], positive: Tensor, negative: Tensor) -> Tensor:
    return rule.combine({"positive": positive, "negative": negative}, step(), rule.init())[0]


def theirs(guider: Any, positive: Tensor, negative: Tensor) -> Tensor:
    guider.set_state(step=5, num_inference_steps=20, timestep=torch.tensor(500))
    return guider.forward(positive, negative).pred


def in_space(rule: Rule[Any], space: Space, positive: Tensor, negative: Tensor) -> Tensor:
    """What the engine makes of predictions that a network gave in a space."""
    home: Space = space if rule.effective_space == "any" else rule.effective_space
    moved = [convert(told, space, home, step()) for told in (positive, negative)]
    return convert(ours(rule, *moved), home, space, step())


def test_cfg_and_rescale() -> None:
    for phi in (0.0, 0.3, 0.7, 1.0):
        guider = ClassifierFreeGuidance(guidance_scale=SCALE, guidance_rescale=phi)
        assert torch.allclose(ours(Rescale(Cfg(SCALE), phi), *pair(0)), theirs(guider, *pair(0)), atol=1e-5)


def test_rescale_is_not_the_same_where_a_network_answers_in_eps() -> None:
    """diffusers rescales whatever the network answers with; the paper's model answers with v."""
    guider = ClassifierFreeGuidance(guidance_scale=SCALE, guidance_rescale=0.7)
    there = theirs(guider, *pair(0))
    assert torch.allclose(in_space(Rescale(Cfg(SCALE)), "v", *pair(0)), there, atol=1e-5)
    assert (in_space(Rescale(Cfg(SCALE)), "eps", *pair(0)) - there).abs().max() > 0.1


@pytest.mark.parametrize(
    ("eta", "radius", "momentum"), [(0.0, 5.0, -0.5), (0.5, 1.5, -0.75), (1.0, 2.0, 0.5)]
)
def test_apg_step_by_step(eta: float, radius: float, momentum: float) -> None:
    """Their function with the original formulation, whose scale is w - 1, in the space of clean pictures."""
    rule, buffer = Apg(Cfg(SCALE), eta, radius / ROOT, momentum), MomentumBuffer(momentum)
    state = rule.init()
    for index in range(4):
        positive, negative = pair(10 * index)
        guided, state = rule.combine({"positive": positive, "negative": negative}, step(index), state)
        expected = normalized_guidance(positive, negative, SCALE - 1, buffer, eta, radius, True)
        assert torch.allclose(guided, expected, atol=1e-4)


def test_apg_as_their_guider_calls_it_is_another_rule() -> None:
    """It adds w times the update to the negative prediction, the same only for eta = 1 and no cap."""
    whole = normalized_guidance(*pair(0), SCALE, None, 1.0, 0.0, False)
    assert torch.allclose(ours(Apg(Cfg(SCALE), 1.0, 1e6, 0.0), *pair(0)), whole, atol=1e-4)
    across = normalized_guidance(*pair(0), SCALE, None, 0.0, 0.0, False)
    assert (ours(Apg(Cfg(SCALE), 0.0, 1e6, 0.0), *pair(0)) - across).abs().max() > 0.1


def test_cfg_zero() -> None:
    guider = ClassifierFreeZeroStarGuidance(guidance_scale=SCALE, zero_init_steps=1)
    assert torch.allclose(ours(CfgZero(Cfg(SCALE)), *pair(0)), theirs(guider, *pair(0)), atol=1e-4)


def test_tcfg() -> None:
    guider = TangentialClassifierFreeGuidance(guidance_scale=SCALE)
    for seed in range(4):
        assert torch.allclose(ours(Tcfg(Cfg(SCALE)), *pair(seed)), theirs(guider, *pair(seed)), atol=1e-4)


def test_their_tcfg_cannot_say_whether_it_is_conditional() -> None:
    with pytest.raises(AttributeError, match="is_conditional"):
        _ = TangentialClassifierFreeGuidance().is_conditional


def test_threshold_where_the_positive_fills_the_range_of_pixels() -> None:
    positive, negative = pair(0)
    positive = positive / positive.abs().flatten(1).amax(1).reshape(-1, 1, 1, 1)
    scheduler = DDIMScheduler(thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=1e6)
    expected = scheduler._threshold_sample(negative + SCALE * (positive - negative))
    assert torch.allclose(ours(Threshold(Cfg(SCALE), 0.9), positive, negative), expected, atol=1e-5)
