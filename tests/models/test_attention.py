"""Attention processors against the formulas written out, on a module of diffusers."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor

from negspace.guidance import Patch
from negspace.guidance.patches import FlippedValues, MixedAttention
from negspace.guidance.rules.nag import NagPatch
from negspace.guidance.rules.nasa import NasaPatch
from negspace.guidance.rules.ong import OngPatch
from negspace.models.network.attention import (
    BlurProcessor,
    IdentityProcessor,
    MixingProcessor,
    SignFlipProcessor,
    processing,
)

HEADS, DIM, WIDTH, TOLD = 2, 3, 6, 5
SPLIT, BEHIND = 4, 3


@pytest.fixture
def module() -> Attention:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Attention(WIDTH, TOLD, heads=HEADS, dim_head=DIM, bias=False).eval().requires_grad_(False)


@pytest.fixture
def own() -> Attention:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        return Attention(WIDTH, heads=HEADS, dim_head=DIM, bias=False).eval().requires_grad_(False)


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def parts(module: Any, hidden: Tensor, told: Tensor) -> list[Tensor]:
    """Query, key, value, [rows, tokens, heads, dim], without any view shared with the processors."""
    flat = [
        torch.einsum("btc,dc->btd", x, layer.weight)
        for x, layer in ((hidden, module.to_q), (told, module.to_k), (told, module.to_v))
    ]
    return [x.reshape(*x.shape[:2], HEADS, DIM) for x in flat]


def attention(scores: Tensor, value: Tensor) -> Tensor:
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value)


def scored(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("bqhd,bkhd->bhqk", query, key) / math.sqrt(DIM)


def out(module: Any, attended: Tensor) -> Tensor:
    return torch.einsum("btc,dc->btd", attended.flatten(2), module.to_out[0].weight) + module.to_out[0].bias


def formula(patch: Patch, module: Any, hidden: Tensor, told: Tensor, words: Tensor) -> Tensor:
    """What a patch is to make of one row, [1, tokens, WIDTH], written out."""
    query, key, value = parts(module, hidden, told)
    scores = scored(query, key)
    if isinstance(patch, FlippedValues):
        scores[..., SPLIT:] -= patch.bias
        scores[..., SPLIT:][..., ~words] = -math.inf
        value[:, SPLIT:] *= -patch.weight
        return out(module, attention(scores, value))
    p = attention(scores[..., :SPLIT], value[:, :SPLIT])
    n = attention(scores[..., SPLIT:], value[:, SPLIT:])
    match patch:
        case NasaPatch(weight=k):
            return out(module, p - k * n)
        case OngPatch(weight=k):
            shared = torch.einsum("bthd,bthd->bth", n, p) / torch.einsum("bthd,bthd->bth", p, p)
            return out(module, p - k * (n - shared[..., None] * p))
        case NagPatch(weight=k, tau=tau, alpha=alpha):
            y = p + k * (p - n)
            r = y.abs().sum((2, 3)) / p.abs().sum((2, 3))
            y = y * (r.clamp(max=tau) / r)[..., None, None]
            return out(module, alpha * y + (1 - alpha) * p)
    raise AssertionError(patch)


KINDS: list[Sequence[Patch]] = [
    [NagPatch(weight=4.0), NagPatch(weight=0.5, tau=1.1, alpha=0.6), NagPatch(weight=4.0)],
    [NasaPatch(weight=0.1), NasaPatch(weight=0.7), NasaPatch(weight=0.1)],
    [OngPatch(weight=4.0), OngPatch(weight=0.3), OngPatch(weight=1.0)],
    [FlippedValues(weight=3.5, bias=0.1), FlippedValues(weight=1.0), FlippedValues(weight=2.0, bias=-1.0)],
]


@pytest.mark.parametrize("patches", KINDS, ids=lambda patches: type(patches[0]).__name__)
def test_every_row_is_what_its_formula_says(patches: Sequence[Patch], module: Any) -> None:
    """Rows of different strengths in one forward, each as written out, and bit for bit as among others."""
    hidden, told = noise(1, 3, 7, WIDTH), noise(2, 3, SPLIT + BEHIND, TOLD)
    words = torch.tensor([[True, True, False], [False, True, False], [True, True, True]])

    def run(order: list[int]) -> Tensor:
        mine = [patches[i] for i in order]
        if all(isinstance(patch, MixedAttention) for patch in mine):
            processor = MixingProcessor([patch for patch in mine if isinstance(patch, MixedAttention)], SPLIT)
        else:
            flips = [patch for patch in mine if isinstance(patch, FlippedValues)]
            processor = SignFlipProcessor(flips, words[order], SPLIT)
        before = module.processor
        with processing([module], processor):
            answer = module(hidden[order], encoder_hidden_states=told[order])
        assert module.processor is before
        return answer

    together = run([0, 1, 2])
    for i, patch in enumerate(patches):
        written_out = formula(patch, module, hidden[i : i + 1], told[i : i + 1], words[i])
        assert torch.allclose(together[i : i + 1], written_out, atol=1e-5)
        assert torch.equal(together[i], run([i, i, i])[i])


@pytest.mark.parametrize("kind", [NagPatch, NasaPatch, OngPatch])
def test_a_weight_of_0_mixes_nothing_in(kind: type[MixedAttention]) -> None:
    positive, negative = noise(1, 2, 3, HEADS, DIM), noise(2, 2, 3, HEADS, DIM)
    assert torch.allclose(kind(weight=0.0).mix(positive, negative), positive)  # type: ignore[call-arg]


def test_where_no_word_is_the_positive_stays(module: Any) -> None:
    hidden, told = noise(1, 1, 7, WIDTH), noise(2, 1, SPLIT + BEHIND, TOLD)
    nothing = torch.zeros(1, BEHIND, dtype=torch.bool)
    with processing([module], SignFlipProcessor([FlippedValues(weight=3.0)], nothing, SPLIT)):
        flipped = module(hidden, encoder_hidden_states=told)
    assert torch.allclose(flipped, module(hidden, encoder_hidden_states=told[:, :SPLIT]), atol=1e-6)


def test_identity_takes_each_tokens_value(own: Any) -> None:
    hidden = noise(1, 2, 12, WIDTH)
    with processing([own], IdentityProcessor()):
        answer = own(hidden)
    assert torch.allclose(answer, out(own, parts(own, hidden, hidden)[2]), atol=1e-6)


def test_blurred_queries_are_means_over_the_picture(own: Any) -> None:
    """A grid of 3 x 4 tokens of a picture of 6 x 8; two blurs in one forward, one of them none."""
    hidden, blurs = noise(1, 2, 12, WIDTH), [0.8, 0.0]
    query, key, value = parts(own, hidden, hidden)
    places = torch.tensor([(i // 4, i % 4) for i in range(12)]).float()
    far = ((places[:, None] - places) ** 2).sum(-1)
    weights = (-far / (2 * blurs[0] ** 2)).softmax(1)
    query[0] = torch.einsum("ij,jhd->ihd", weights, query[0])
    with processing([own], BlurProcessor(blurs, (6, 8))):
        answer = own(hidden)
    assert torch.allclose(answer, out(own, attention(scored(query, key), value)), atol=1e-5)
    assert torch.allclose(answer[1], own(hidden)[1], atol=1e-6)


def test_processors_are_put_back_after_an_error(module: Any) -> None:
    before = module.processor
    with pytest.raises(ZeroDivisionError), processing([module], IdentityProcessor()):
        raise ZeroDivisionError
    assert module.processor is before
