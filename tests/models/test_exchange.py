"""compel's swap: attention maps of one text with the values of another."""

from pathlib import Path
from typing import Any

import pytest
import torch

import negspace as ns
from negspace.errors import EncodingError
from negspace.generate import Model
from negspace.models.network.exchange import MapExchange, cross_attention_choice, self_attention_choice
from tests.engine.families import made


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def drawn(model: Model, prompt: str, **fields: Any) -> torch.Tensor:
    return model.generate(prompt, dialect="compel", sampler="DDIM", **fields).latents


def test_maps_by_hand() -> None:
    """Two tokens, one head: the edited row reads its own values with the original's map of token 0."""
    original = torch.tensor([[[[0.9, 0.1]]]])
    edited = torch.tensor([[[[0.3, 0.7]]]])
    assert torch.equal(
        cross_attention_choice(torch.tensor([[1, -1]]))(original, edited), torch.tensor([[[[0.1, 0.7]]]])
    )
    assert torch.equal(cross_attention_choice(torch.tensor([[-1, -1]]))(original, edited), edited)
    assert torch.equal(self_attention_choice(torch.tensor([True]))(original, edited), original)
    assert torch.equal(self_attention_choice(torch.tensor([False]))(original, edited), edited)


def test_an_attention_in_the_open_is_the_attention() -> None:
    from diffusers.models.attention_processor import Attention

    torch.manual_seed(0)
    attention = Attention(query_dim=8, cross_attention_dim=6, heads=2, dim_head=4).eval()
    hidden, read = torch.randn(4, 5, 8), torch.randn(4, 3, 6)
    with torch.no_grad():
        plain = attention(hidden, encoder_hidden_states=read)
        attention.set_processor(MapExchange(cross_attention_choice(torch.full((2, 3), -1))))  # pyright: ignore
        torch.testing.assert_close(attention(hidden, encoder_hidden_states=read), plain)
        attention.set_processor(MapExchange(cross_attention_choice(torch.tensor([[0, 1, 2], [-1, -1, -1]]))))  # pyright: ignore
        changed = attention(hidden, encoder_hidden_states=read)
    assert not torch.allclose(changed[2], plain[2]) and torch.allclose(changed[[0, 1, 3]], plain[[0, 1, 3]])


def test_a_word_swapped_for_itself_changes_nothing(model: Model) -> None:
    same = drawn(model, "a cat.swap(cat, t_start=0, s_end=1) in snow", avoid="blurry")
    torch.testing.assert_close(same, drawn(model, "a cat in snow", avoid="blurry"), atol=1e-4, rtol=1e-4)


def test_a_swap_is_neither_of_its_sides(model: Model) -> None:
    swapped = drawn(model, "a cat.swap(house) in snow")
    for other in ("a cat in snow", "a house in snow"):
        assert (swapped - drawn(model, other)).abs().max() > 1e-4


def test_outside_of_its_time_the_original_is_drawn(model: Model) -> None:
    never = drawn(model, "a cat.swap(house, t_start=0, t_end=0) in snow")
    assert torch.equal(never, drawn(model, "a cat in snow"))


def test_both_texts_are_counted(model: Model) -> None:
    """Of four steps the default window from 0.2 leaves out the first."""
    asked: dict[str, Any] = {"dialect": "compel", "sampler": "DDIM", "avoid": "blurry", "steps": 4}
    receipt = model.generate("a cat.swap(house)", **asked).receipt
    assert receipt.evaluations == {"positive": 7, "negative": 4}
    assert model.generate("a cat.swap(house)", **asked, scale=1.0).receipt.evaluations == {"positive": 7}


def test_a_swap_does_not_depend_on_its_companions(model: Model) -> None:
    requests = [
        ns.Request(prompt="a cat.swap(house) in snow", avoid="hat", dialect="compel", seed=3, steps=3),
        ns.Request(prompt="a tree.swap(boat, s_end=0.5)", dialect="compel", seed=4, steps=5),
        ns.Request(prompt="a red cat", avoid="blurry", seed=5, steps=4),
        ns.Request(prompt="a cat.swap(house)", avoid="hat " * 80, dialect="compel", seed=6, steps=3),
    ]
    for together, request in zip(model.generate_all(requests), requests, strict=True):
        assert torch.equal(together.latents, model.run(model.plan(request)).result().latents)


def test_the_network_is_left_as_it_was(model: Model) -> None:
    before = drawn(model, "a cat")
    drawn(model, "a cat.swap(house)")
    assert torch.equal(before, drawn(model, "a cat"))


def test_a_model_that_cannot_exchange_maps_says_so() -> None:
    with pytest.raises(EncodingError, match="which sdxl cannot do; write a schedule"):
        made("sdxl", "a cat.swap(house)", dialect="compel")
