"""Noise on a conditioning: by hand, by seed and step, and on models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import negspace as ns
from negspace.encoding import Conditioning
from negspace.engine import Engine, Lane, SidesAtStep, WeightedConditioning, draw
from negspace.engine.noise import keyed, with_noise
from negspace.generate import Model
from negspace.guidance import Cfg, ConditioningNoise, Rule
from negspace.guidance.rules.cads import Cads
from negspace.guidance.rules.rescale import Rescale
from negspace.models.base import Row
from negspace.models.samplers import Sampler
from negspace.prompt import parse

STEPS, SHAPE = 5, (2, 3, 3)
SETTINGS = {"num_train_timesteps": 100, "clip_sample": False, "prediction_type": "epsilon"}


def conditioning(seed: int, pooled: bool = False) -> Conditioning:
    numbers = torch.randn((12, 16), generator=torch.Generator().manual_seed(seed))
    return Conditioning(numbers, numbers[0] if pooled else None, 1, torch.zeros(12, 16))


def noise() -> torch.Generator:
    return keyed(3, 1, "haze")


def test_noise_by_hand() -> None:
    plain, n = conditioning(0), torch.randn((12, 16), generator=noise())
    y = plain.hidden
    mixed = 0.8 * y + 0.15 * n
    assert torch.allclose(with_noise(plain, ConditioningNoise(0.8, 0.15, 0.0), noise()).hidden, mixed)
    matched = (mixed - mixed.mean()) / mixed.std() * y.std() + y.mean()
    assert torch.allclose(
        with_noise(plain, ConditioningNoise(0.8, 0.15, 1.0), noise()).hidden, matched, atol=1e-6
    )
    half = with_noise(plain, ConditioningNoise(0.8, 0.15, 0.5), noise()).hidden
    assert torch.allclose(half, (mixed + matched) / 2, atol=1e-6)


def test_mean_and_deviation_are_those_of_the_conditioning() -> None:
    plain = conditioning(0, pooled=True)
    noisy = with_noise(plain, ConditioningNoise(0.0, 0.25, 1.0), noise())
    assert plain.pooled is not None and noisy.pooled is not None
    for ours, theirs in ((noisy.hidden, plain.hidden), (noisy.pooled, plain.pooled)):
        assert not torch.allclose(ours, theirs, atol=0.1)
        assert torch.allclose(ours.mean(), theirs.mean(), atol=1e-5)
        assert torch.allclose(ours.std(), theirs.std(), atol=1e-5)
    assert replace(noisy, hidden=plain.hidden, pooled=plain.pooled).tokens == plain.tokens


def test_what_is_longer_begins_with_the_same_noise() -> None:
    """A negative that needs a window more does not shift the noise of the positive."""
    short = conditioning(0)
    long = Conditioning(torch.cat([short.hidden, short.hidden]), None, 2, short.empty)
    weak = ConditioningNoise(0.6, 0.2, 0.0)
    assert torch.equal(with_noise(long, weak, noise()).hidden[:12], with_noise(short, weak, noise()).hidden)


def test_the_noise_of_the_picture_is_what_it_was() -> None:
    assert keyed(5, 0).initial_seed() == 5
    assert (
        len({keyed(5, 2).initial_seed(), keyed(5, 2, "haze").initial_seed(), keyed(5, 3).initial_seed()}) == 3
    )


# In a lane

POSITIVE, EMPTY, NEGATIVE = conditioning(1), conditioning(2), conditioning(3)
CAST: SidesAtStep = {
    "positive": (WeightedConditioning(POSITIVE),),
    "empty": (WeightedConditioning(EMPTY),),
    "negative": (WeightedConditioning(NEGATIVE),),
}


def watched(rule: Rule[Any], cast: SidesAtStep = CAST, seed: int = 3) -> list[list[Row]]:
    """The rows of every step."""
    sampler = Sampler("DDIM", SETTINGS, STEPS)
    lane = Lane(
        seed=seed, noise=draw(3, SHAPE), sampler=sampler, rule=rule, space="eps", sides=[cast] * STEPS
    )
    seen: list[list[Row]] = []
    while not lane.done:
        seen.append(lane.rows())
        lane.advance([torch.tanh(row.x + row.conditionings[0].hidden.mean()) for row in seen[-1]])
    return seen


def hidden(rows: list[Row], number: int = 0) -> Tensor:
    return rows[number].conditionings[0].hidden


def test_only_the_positive_gets_noise_and_no_network_gets_a_patch() -> None:
    seen = watched(Cads(clean=0.5, hazy=0.9))
    assert [torch.equal(hidden(rows), POSITIVE.hidden) for rows in seen] == [False, False, False, True, True]
    assert all(rows[1].conditionings == (NEGATIVE,) and len(rows) == 2 for rows in seen)
    assert len({row.kind for rows in seen for row in rows}) == 1, "they share forwards with all other rows"
    assert not torch.equal(hidden(seen[0]), hidden(seen[1])), "the noise is drawn anew at every step"


def test_the_noise_depends_on_seed_and_step_alone() -> None:
    first, again, other = watched(Cads()), watched(Rescale(Cads())), watched(Cads(), seed=4)
    assert torch.equal(hidden(first[0]), hidden(again[0]))
    assert not torch.equal(hidden(first[0]), hidden(other[0]))


def test_the_rows_of_a_step_are_always_the_same() -> None:
    sampler = Sampler("DDIM", SETTINGS, STEPS)
    lane = Lane(seed=3, noise=draw(3, SHAPE), sampler=sampler, rule=Cads(), space="eps", sides=[CAST] * STEPS)
    assert torch.equal(hidden(lane.rows()), hidden(lane.rows()))


def test_the_empty_prompt_in_a_sum_of_texts_gets_no_noise() -> None:
    """d_u + 0.5 (d_1 - d_u) + 0.8 (d_2 - d_u): both texts with noise, the empty prompt run once."""
    cast: SidesAtStep = {
        **CAST,
        "positive": (WeightedConditioning(POSITIVE, 0.5), WeightedConditioning(conditioning(7), 0.8)),
        "negative": CAST["empty"],
    }
    rows = watched(Cads(), cast)[0]
    assert len(rows) == 3
    plain = (POSITIVE, conditioning(7), EMPTY)
    equal = [torch.equal(hidden(rows, number), side.hidden) for number, side in enumerate(plain)]
    assert equal == [False, False, True]


# On models


def lanes(model: Model, rule: Rule[Any], seeds: range) -> list[Lane]:
    network = model.network()
    encoder = network.encoder
    sides = {"positive": encoder.encode(parse("a red house")), "negative": encoder.encode(parse("blurry"))}
    cast: SidesAtStep = {"empty": (WeightedConditioning(encoder.empty()),)} | {
        name: (WeightedConditioning(one),) for name, one in sides.items()
    }
    space = "v" if network.facts.prediction == "v_prediction" else "eps"
    return [
        Lane(
            seed=seed,
            noise=draw(seed, network.latent_shape(64, 64)),
            sampler=network.sampler("DDIM", 3, (3, 4, 4)),
            rule=rule,
            space=space,
            sides=[cast] * 3,
        )
        for seed in seeds
    ]


def pictures(model: Model, rule: Rule[Any], seeds: range) -> Tensor:
    under_way = lanes(model, rule, seeds)
    for _ in Engine(model.network()).run(under_way):
        pass
    assert all(lane.stats.evaluations == {"positive": 3, "negative": 3} for lane in under_way)
    return torch.stack([lane.x for lane in under_way])


def test_a_picture_with_cads_is_the_same_alone_and_in_company(sd_folder: Path) -> None:
    model = ns.load(sd_folder, dtype="float32")
    together = pictures(model, Cads(Cfg(4.0)), range(2))
    assert torch.equal(pictures(model, Cads(Cfg(4.0)), range(1, 2))[0], together[1])
    plain = pictures(model, Cfg(4.0), range(2))
    assert torch.equal(pictures(model, Cads(Cfg(4.0), clean=1, hazy=1), range(2)), plain)
    assert not torch.allclose(together, plain)
