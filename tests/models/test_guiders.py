"""Rules as diffusers guiders and guiders as rules: both ways make the pictures that the other makes."""

from typing import Any

import pytest
import torch
from diffusers.guiders.adaptive_projected_guidance import AdaptiveProjectedGuidance
from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance
from diffusers.guiders.classifier_free_zero_star_guidance import ClassifierFreeZeroStarGuidance
from diffusers.guiders.guider_utils import BaseGuidance
from diffusers.guiders.skip_layer_guidance import SkipLayerGuidance
from diffusers.modular_pipelines.modular_pipeline import BlockState
from diffusers.modular_pipelines.stable_diffusion_xl.denoise import StableDiffusionXLLoopDenoiser
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn

from negspace.encoding import Conditioning
from negspace.engine import Lane, WeightedConditioning, draw
from negspace.errors import RequestError
from negspace.guidance import Cfg, Rule, Space, make
from negspace.models.base import Row
from negspace.models.guiders import GuiderRule, RuleGuider
from negspace.models.samplers import Sampler

SHAPE = (2, 4, 4)
STEPS = 5
SAYS = {"positive": 0.7, "negative": -0.4, "empty": 0.1, "negative:0": 0.5}
SETTINGS = {"num_train_timesteps": 100, "clip_sample": False, "prediction_type": "epsilon"}
SPACES: dict[str, Space] = {"epsilon": "eps", "v_prediction": "v"}


def predicted(x: Tensor, said: float) -> Tensor:
    return torch.tanh(0.6 * x + said * x.flip(-1) + said)


class Denoiser(nn.Module):
    """A network in the manner of diffusers; counts how often it is called."""

    calls = 0

    def forward(self, sample: Tensor, timestep: Any, prompt_embeds: float, **_: Any) -> Tensor:
        self.calls += 1
        return predicted(sample, prompt_embeds)


def by_guider(guider: Any, scheduler: Any, sides: tuple[str, ...]) -> tuple[Tensor, int]:
    """The picture of a loop as Modular Diffusers has it, and the evaluations it took."""
    denoiser, x = Denoiser(), draw(3, SHAPE)[None]
    for i, t in enumerate(scheduler.timesteps):
        guider.set_state(step=i, num_inference_steps=STEPS, timestep=t)
        batches = guider.prepare_inputs({"prompt_embeds": tuple(torch.tensor(SAYS[side]) for side in sides)})
        for batch in batches:
            guider.prepare_models(denoiser)
            batch.noise_pred = denoiser(x, t, prompt_embeds=batch.prompt_embeds)
            guider.cleanup_models(denoiser)
        x = scheduler.step(guider(batches)[0], t, x, return_dict=False)[0]
    return x[0], denoiser.calls


def by_lane(rule: Rule[Any], prediction: str = "epsilon", one_by_one: bool = False) -> tuple[Tensor, int]:
    """The picture of our engine's lane, and the evaluations it took."""

    def says(value: float) -> Conditioning:
        return Conditioning(torch.full((2, 4), value), None, 1, torch.zeros(2, 4))

    def answer(row: Row) -> Tensor:
        return predicted(row.x[None], float(row.conditionings[0].hidden.mean()))[0]

    cast = {side: (WeightedConditioning(says(value)),) for side, value in SAYS.items()}
    lane = Lane(
        seed=3,
        noise=draw(3, SHAPE),
        sampler=Sampler("DDIM", SETTINGS | {"prediction_type": prediction}, STEPS),
        rule=rule,
        space=SPACES[prediction],
        sides=[cast] * STEPS,
        negatives=[{"negative:0": 0.5} if one_by_one else {}] * STEPS,
    )
    while not lane.done:
        lane.advance([answer(row) for row in lane.rows()])
    return lane.x, sum(lane.stats.evaluations.values())


def scheduler_of(prediction: str = "epsilon") -> Any:
    return Sampler("DDIM", SETTINGS | {"prediction_type": prediction}, STEPS)._scheduler


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize(
    "text",
    [
        "cfg(scale=3)",
        "cfg(scale=3, strength=window(0.3, 0.7))",
        "perp_neg(scale=3)",
        "contrastive(scale=2)",
        "sld(scale=2, negative=3, warmup=0.4)",
        "dng(scale=2, prior=0.2, temperature=1)",
        "crg(scale=2)",
    ],
)
def test_a_rule_as_a_guider_makes_the_same_picture(text: str, prediction: str) -> None:
    rule, scheduler = make(text), scheduler_of(prediction)
    sides = ("positive", "negative", "empty")
    theirs, calls = by_guider(RuleGuider(rule, scheduler, sides), scheduler, sides)
    ours, evaluations = by_lane(rule, prediction)
    assert torch.allclose(theirs, ours, rtol=1e-3, atol=1e-4)
    assert calls == evaluations


def test_things_avoided_one_by_one() -> None:
    rule, scheduler = make("composable(scale=3)"), scheduler_of()
    sides = ("positive", "empty", "negative:0")
    guider = RuleGuider(rule, scheduler, sides, {"negative:0": 0.5})
    theirs, calls = by_guider(guider, scheduler, sides)
    ours, evaluations = by_lane(rule, one_by_one=True)
    assert torch.allclose(theirs, ours, atol=1e-4) and calls == evaluations == 15
    again, _ = by_guider(guider.new(), scheduler, sides)
    assert torch.equal(again, theirs)
    assert "composable(scale=3)" in str(guider.config)


def test_in_the_denoiser_of_modular_diffusers() -> None:
    """The real block of Stable Diffusion XL, with our guider in the place of its own."""

    class Unet(nn.Module):
        def forward(self, sample: Tensor, *_: Any, encoder_hidden_states: Tensor, **__: Any) -> tuple[Tensor]:
            return (predicted(sample, float(encoder_hidden_states)),)

    class Components:
        def __init__(self, guider: BaseGuidance) -> None:
            self.guider, self.unet = guider, Unet()

    def picture(guider: BaseGuidance) -> Tensor:
        block, scheduler, x = StableDiffusionXLLoopDenoiser(), scheduler_of(), draw(3, SHAPE)[None]
        state: Any = BlockState(
            prompt_embeds=torch.tensor(SAYS["positive"]),
            negative_prompt_embeds=torch.tensor(SAYS["negative"]),
            num_inference_steps=STEPS,
            timestep_cond=None,
            cross_attention_kwargs=None,
            **{
                name: torch.tensor(0.0)
                for side in ("", "negative_")
                for name in (f"{side}add_time_ids", f"{side}pooled_prompt_embeds", f"{side}ip_adapter_embeds")
            },
        )
        state.pooled_prompt_embeds = torch.tensor(0.0)
        state.ip_adapter_embeds = torch.tensor(0.0)
        for i, t in enumerate(scheduler.timesteps):
            state.scaled_latents = x
            _, state = block(Components(guider), state, i, t)  # type: ignore[arg-type]
            x = scheduler.step(state.noise_pred, t, x, return_dict=False)[0]
        return x[0]

    ours = picture(RuleGuider(Cfg(3.0), scheduler_of()))
    assert torch.allclose(ours, picture(ClassifierFreeGuidance(guidance_scale=3.0)), atol=1e-5)
    assert torch.allclose(ours, by_lane(Cfg(3.0))[0], atol=1e-4)


def test_flow_models() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(STEPS)
    sides = ("positive", "negative", "empty")
    theirs, _ = by_guider(ClassifierFreeGuidance(guidance_scale=3.0), scheduler, sides[:2])
    scheduler.set_timesteps(STEPS)
    ours, _ = by_guider(RuleGuider(Cfg(3.0), scheduler), scheduler, sides[:2])
    assert torch.allclose(theirs, ours, atol=1e-5)
    scheduler.set_timesteps(STEPS)
    crg, calls = by_guider(RuleGuider(make("crg(scale=2)"), scheduler, sides), scheduler, sides)
    assert torch.isfinite(crg).all() and calls == 15


@pytest.mark.parametrize(
    ("text", "sides", "told"),
    [
        (
            "perp_neg",
            ("positive", "negative"),
            "perp_neg needs the side 'empty'; told are positive",
        ),
        ("dng(skip=0.001, scale=2)", ("positive", "negative", "empty"), "decides by the noisy picture"),
    ],
)
def test_what_a_guider_cannot_give_is_refused(text: str, sides: tuple[str, ...], told: str) -> None:
    scheduler = scheduler_of()
    with pytest.raises(RequestError, match=told):
        by_guider(RuleGuider(make(text), scheduler, sides), scheduler, sides)


def test_without_a_denoiser_to_look_at_a_rule_of_its_own_space_is_refused() -> None:
    scheduler = scheduler_of("v_prediction")
    guider = RuleGuider(make("crg"), scheduler, ("positive", "negative", "empty"))
    guider.set_state(0, STEPS, scheduler.timesteps[0])
    told = {side: torch.zeros(1, *SHAPE) for side in ("positive", "negative", "empty")}
    with pytest.raises(RequestError, match="prepare_models"):
        guider.forward(**told)
    with pytest.raises(RequestError, match=r"not \(1, 7, 3\)"):
        guider.forward(positive=torch.zeros(1, 7, 3))
    guider = RuleGuider(Cfg(), scheduler)
    guider.set_state(0, STEPS, torch.tensor(3))
    with pytest.raises(RequestError, match="no step at 3"):
        guider.prepare_inputs({})


@pytest.mark.parametrize(
    "guider",
    [
        ClassifierFreeGuidance(guidance_scale=3.0),
        ClassifierFreeGuidance(guidance_scale=3.0, guidance_rescale=0.7, start=0.2, stop=0.8),
        ClassifierFreeZeroStarGuidance(guidance_scale=3.0),
        AdaptiveProjectedGuidance(guidance_scale=3.0, adaptive_projected_guidance_momentum=-0.5, eta=0.3),
    ],
    ids=lambda guider: type(guider).__name__,
)
def test_a_guider_as_a_rule_makes_the_same_picture(guider: BaseGuidance) -> None:
    scheduler = scheduler_of()
    theirs, calls = by_guider(guider.new(), scheduler, ("positive", "negative"))
    rule = GuiderRule(guider)
    first, evaluations = by_lane(rule)
    again, _ = by_lane(rule)
    assert torch.allclose(first, theirs, rtol=1e-3, atol=1e-4) and calls == evaluations
    assert torch.equal(first, again), "what a picture leaves behind must not reach the next"
    positive, evaluations = by_lane(rule.off())
    assert torch.allclose(positive, by_lane(Cfg(1.0))[0], atol=1e-5) and evaluations == STEPS


def test_cfg_there_and_back() -> None:
    assert torch.allclose(
        by_lane(GuiderRule(ClassifierFreeGuidance(4.0)))[0], by_lane(Cfg(4.0))[0], atol=1e-4
    )


def test_a_guider_that_changes_the_network_is_refused() -> None:
    with pytest.raises(RequestError, match="SkipLayerGuidance changes the network"):
        GuiderRule(SkipLayerGuidance(skip_layer_guidance_layers=[0]))


def test_a_scheduler_of_unknown_noise_is_refused() -> None:
    with pytest.raises(RequestError, match="nothing is known of the noise of object"):
        RuleGuider(Cfg(), object())
    assert isinstance(scheduler_of(), DDIMScheduler)
