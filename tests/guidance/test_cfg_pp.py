"""CFG++ as a scale: the picture is the one that renoising with the unconditional noise gives."""

from typing import Any

import pytest
import torch
from torch import Tensor

from negspace.encoding import Conditioning
from negspace.engine import Lane, WeightedConditioning, draw
from negspace.errors import RequestError
from negspace.guidance import Space
from negspace.guidance.rules.cfg_pp import CfgPp
from negspace.models.samplers import Sampler
from negspace.strength import window

SHAPE, STEPS, LAMBDA = (2, 3, 3), 6, 0.6
SCHEDULES: dict[str, dict[str, Any]] = {
    "to the picture": {"set_alpha_to_one": True},
    "as in SD 1.5": {"set_alpha_to_one": False, "steps_offset": 1, "timestep_spacing": "leading"},
    "from the last level": {"timestep_spacing": "trailing"},
}
ANSWERS: dict[str, Space] = {"epsilon": "eps", "v_prediction": "v"}


def schedule(prediction: str, **settings: Any) -> dict[str, Any]:
    return {
        "num_train_timesteps": 120,
        "clip_sample": False,
        "prediction_type": prediction,
        "beta_schedule": "scaled_linear",
        **settings,
    }


def says(value: float) -> WeightedConditioning:
    return WeightedConditioning(Conditioning(torch.full((2, 4), value), None, 1, torch.zeros(2, 4)))


def answer(x: Tensor, told: float) -> Tensor:
    """The network: nonlinear in the picture and in what it is told."""
    return torch.tanh(0.4 * x + told) * (1.0 + 0.2 * x)


def lane(rule: CfgPp, sampler: Sampler, space: Space) -> Lane:
    cast = {"empty": (says(0.0),), "negative": (says(-0.5),), "positive": (says(0.7),)}
    sides = [cast] * sampler.evaluations
    return Lane(seed=3, noise=draw(3, SHAPE), sampler=sampler, rule=rule, space=space, sides=sides)


def by_scale(name: str, settings: dict[str, Any], space: Space) -> Tensor:
    one = lane(CfgPp(scale=12.5 * LAMBDA), Sampler(name, settings, STEPS), space)
    while not one.done:
        one.advance([answer(row.x, float(row.conditionings[0].hidden.mean())) for row in one.rows()])
    return one.x


def by_renoising(name: str, settings: dict[str, Any]) -> Tensor:
    """The paper: the sampler's own step with the guided noise, whose noise is then exchanged for eps_n."""
    sampler = Sampler(name, settings, STEPS)
    x = sampler.start(draw(3, SHAPE))[None]
    for index in range(STEPS):
        a, s = sampler.level(index)
        shown = sampler.scaled_input(x, index)
        told = [answer(shown, value) for value in (0.7, -0.5)]
        if settings["prediction_type"] == "epsilon":
            positive, negative = told
        else:
            positive, negative = (a * v + s * shown for v in told)
        guided = negative + LAMBDA * (positive - negative)
        given = guided if settings["prediction_type"] == "epsilon" else (guided - s * shown) / a
        a_next, s_next = sampler.level(index + 1)
        # Euler keeps x over a: its picture and noise are x0 + q eps
        noise = s_next / a_next if name == "Euler" else s_next
        x = sampler.step(given, x, index, None) + noise * (negative - guided)
    return x[0]


@pytest.mark.parametrize("name", ["DDIM", "Euler"])
@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("prediction", ANSWERS)
def test_the_scale_gives_the_picture_of_the_paper(name: str, kind: str, prediction: str) -> None:
    settings = schedule(prediction, **SCHEDULES[kind])
    ours = by_scale(name, settings, ANSWERS[prediction])
    assert torch.allclose(ours, by_renoising(name, settings), atol=1e-4, rtol=1e-4)


def test_lambda_one_takes_the_picture_of_one_and_the_noise_of_the_other() -> None:
    settings = schedule("epsilon")
    sampler = Sampler("DDIM", settings, STEPS)
    one = lane(CfgPp(scale=12.5), sampler, "eps")
    [shown, _] = [row.x for row in one.rows()]
    positive, negative = answer(shown, 0.7), answer(shown, -0.5)
    (a, s), (a_next, s_next) = sampler.level(0), sampler.level(1)
    one.advance([positive, negative])
    assert torch.allclose(one.x, a_next * (shown - s * positive) / a + s_next * negative, atol=1e-4)


def test_a_sampler_that_evaluates_a_level_twice_is_refused() -> None:
    with pytest.raises(RequestError, match="DDIM or Euler"):
        by_scale("Heun", schedule("epsilon"), "eps")


def test_outside_its_window_only_the_positive_is_evaluated() -> None:
    sampler = Sampler("DDIM", schedule("epsilon"), STEPS)
    one = lane(CfgPp(strength=window(0.0, 0.5)), sampler, "eps")
    while not one.done:
        one.advance([answer(row.x, float(row.conditionings[0].hidden.mean())) for row in one.rows()])
    assert one.stats.evaluations == {"positive": 6, "negative": 3}
