"""Samplers: their levels are those of what the network is shown."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from negspace.errors import RequestError
from negspace.models.samplers import SAMPLERS, Sampler

every_sampler = pytest.mark.parametrize("name", SAMPLERS)


@pytest.fixture(params=["tiny_sd", "tiny_sd_v"])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    folder: Path = request.getfixturevalue(request.param)
    return json.loads((folder / "scheduler" / "scheduler_config.json").read_text())


def through(sampler: Sampler, settings: dict[str, Any], x0: torch.Tensor, seed: int = 1) -> torch.Tensor:
    """Sample with the exact prediction for a world that holds x0 alone; checks every level on the way."""
    x = sampler.start(torch.randn(x0.shape, generator=torch.Generator().manual_seed(seed)))
    for index in range(sampler.evaluations):
        a, s = sampler.level(index)
        assert a * a + s * s == pytest.approx(1, abs=1e-6)
        shown = sampler.scaled_input(x, index)
        eps = (shown - a * x0) / s
        prediction = eps if settings["prediction_type"] == "epsilon" else a * eps - s * x0
        x = sampler.step(prediction, x, index, torch.Generator().manual_seed(seed + index))
    return x


@every_sampler
@pytest.mark.parametrize("steps", [2, 20])
def test_exact_predictions_lead_to_the_picture(name: str, steps: int, settings: dict[str, Any]) -> None:
    """Whatever the sampler, a network that knows the picture arrives at it: the levels are the right ones."""
    x0 = torch.tensor([0.5, -1.0, 2.0, 0.1]).reshape(1, 4, 1, 1)
    reached = through(Sampler(name, settings, steps), settings, x0)
    assert (reached - x0).abs().max() < 0.15, "the last level of DDIM and DDPM keeps a little noise"


@every_sampler
def test_noise_falls_and_evaluations_are_counted(name: str, settings: dict[str, Any]) -> None:
    sampler = Sampler(name, settings, 10)
    sigmas = [s / a for a, s in map(sampler.level, range(sampler.evaluations + 1))]
    assert sigmas == sorted(sigmas, reverse=True)
    assert sampler.evaluations == (19 if name.startswith("Heun") else 10)
    times = [sampler.time(index) for index in range(sampler.evaluations)]
    assert times == sorted(times, reverse=True) and times[0] < 1000


@every_sampler
def test_only_those_that_draw_depend_on_the_noise(name: str, settings: dict[str, Any]) -> None:
    def run(noise_seed: int) -> torch.Tensor:
        sampler = Sampler(name, settings, 4)
        x = sampler.start(torch.ones(1, 4, 2, 2))
        for index in range(sampler.evaluations):
            noise = torch.Generator().manual_seed(noise_seed + index)
            x = sampler.step(torch.full_like(x, 0.1), x, index, noise)
        return x

    assert torch.equal(run(1), run(1))
    assert torch.equal(run(1), run(100)) == (not Sampler(name, settings, 4).draws)


def test_what_there_is_not_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="Euler a"):
        Sampler("euler A", settings, 4)
    with pytest.raises(RequestError, match="1000 noise levels"):
        Sampler("DDIM", settings, 1001)
