"""Joint attention that reads two texts: where it must be the network's own, and where it must push."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import negspace
from negspace.generate import Model
from negspace.guidance.patches import FlippedValues
from negspace.guidance.rules.nag import NagPatch
from negspace.models.base import Row
from tests.families.conftest import Place, place

__all__ = ["place"]

joint = pytest.mark.parametrize("family", ["sd3", "flux"])


@pytest.fixture
def told(place: Place, family: str) -> tuple[Any, Tensor, Any, Any]:
    """(network, x, the conditioning of a text, that of another)."""
    model = opened(place(family))
    network: Any = model.network()
    prompts = [_read(text) for text in ("a red cat", "hat, smoke")]
    first, second = (network.encoder.encode(prompt) for prompt in prompts)
    x = torch.randn(network.latent_shape(64, 64), generator=torch.Generator().manual_seed(4))
    return network, x, first, second


def opened(folder: Path) -> Model:
    return negspace.load(folder, dtype="float32", device="cpu")


def _read(text: str) -> Any:
    from negspace.prompt import parse

    return parse(text, "a1111")


def answer(network: Any, x: Tensor, patch: Any, *told: Any) -> Tensor:
    numbers = (3.5,) if network.facts.guidance is not None else ()
    return network.predict([Row(x, 500.0, told, patch, numbers)])[0]


@joint
def test_the_same_text_twice_mixes_into_itself(told: Any) -> None:
    """Z+ = Z-: the push is nothing, whatever its strength; only the order of sums differs."""
    network, x, text, _ = told
    plain = answer(network, x, None, text)
    mixed = answer(network, x, NagPatch(weight=4.0), text, text)
    assert (plain - mixed).abs().max() < 1e-4


@joint
def test_without_strength_nothing_is_changed(told: Any) -> None:
    network, x, text, other = told
    plain = answer(network, x, None, text)
    assert (plain - answer(network, x, NagPatch(weight=0.0), text, other)).abs().max() < 1e-4
    # Words that no query may look at: the bias takes all of their share.
    unseen = FlippedValues(weight=3.0, bias=1e4)
    assert (plain - answer(network, x, unseen, text, other)).abs().max() < 1e-4


@joint
def test_another_text_pushes(told: Any) -> None:
    network, x, text, other = told
    plain = answer(network, x, None, text)
    for patch in (NagPatch(weight=4.0), FlippedValues(weight=3.0, bias=0.0)):
        pushed = answer(network, x, patch, text, other)
        assert (plain - pushed).abs().max() > 1e-4 and bool(pushed.isfinite().all())


@joint
def test_rows_of_other_strengths_stay_apart(told: Any) -> None:
    network, x, text, other = told
    numbers = (3.5,) if network.facts.guidance is not None else ()
    rows = [Row(x, 500.0, (text, other), NagPatch(weight=weight), numbers) for weight in (1.0, 4.0)]
    both = network.predict(rows)
    for row, together in zip(rows, both, strict=True):
        assert (network.predict([row])[0] - together).abs().max() < 1e-5
    assert not torch.equal(both[0], both[1])


@joint
def test_the_network_is_as_it_was(told: Any) -> None:
    network, x, text, other = told
    before = answer(network, x, None, text)
    answer(network, x, NagPatch(weight=4.0), text, other)
    assert torch.equal(before, answer(network, x, None, text))


def test_a_negative_weight_in_sd3_turns_values(place: Place) -> None:
    """NegPiP's words act through the text's own value projections; nothing is dropped in silence."""
    model = opened(place("sd3"))
    plain = model.generate("a cat, hat", seed=1, rule="cfg", scale=1.0, steps=2)
    turned = model.generate("a cat, (hat:-1.5)", seed=1, rule="cfg", scale=1.0, steps=2)
    assert (plain.latents - turned.latents).abs().max() > 1e-4


def test_flux_takes_the_attention_by_itself(place: Place, tmp_path: Path) -> None:
    """As its facts say it is distilled: what is avoided goes through NAG, in one pass, and that is said."""
    import json
    import shutil

    copy = Path(shutil.copytree(place("flux"), tmp_path / "flux"))
    own = json.loads((copy / "negspace.json").read_text())
    (copy / "negspace.json").write_text(json.dumps({**own, "distilled": True}))
    model = opened(copy)
    result = model.generate("a red cat", avoid="hat", seed=1)
    assert result.receipt.evaluations == {"positive": 3} and result.receipt.negative_acted
    assert result.receipt.rule == "nag"
    assert any("nag acts on what is avoided" in one.text for one in result.receipt.findings)
    other = model.generate("a red cat", avoid="smoke", seed=1)
    assert (result.latents - other.latents).abs().max() > 1e-5
    assert replace(model.facts, distilled=False) == opened(place("flux")).facts
