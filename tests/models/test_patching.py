"""Rules that change the network, through the single path: off is off, every one acts, costs are exact."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace as ns
from negspace.engine import Engine
from negspace.errors import ModelError, RequestError
from negspace.generate import Model, Result
from negspace.guidance import Cfg, Patch
from negspace.guidance.rules.nag import Nag
from negspace.models.network.patching import UNetPatchHost

RIDING = ("nag", "nasa", "ong", "vsf", "negpip")
WORSE = ("pag", "seg", "slg(strength=constant())")
STEPS = 2


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def made(model: Model, rule: str | Nag | Cfg, avoid: Any = "blurry, hat", **fields: Any) -> Result:
    return model.generate("a red cat", avoid=avoid, rule=rule, **{"steps": STEPS, **fields})


def same(first: Result, second: Result) -> bool:
    return torch.equal(first.latents, second.latents)


def test_every_rule_changes_the_picture(sd_folder: Path) -> None:
    model = ns.load(sd_folder, dtype="float32")
    plain = made(model, "cfg", scale=1.0)
    assert plain.receipt.evaluations == {"positive": STEPS}
    for rule in RIDING:
        riding = made(model, rule)
        assert torch.isfinite(riding.latents).all() and not same(riding, plain), rule
        assert riding.receipt.evaluations == {"positive": STEPS} and riding.receipt.scale == 1.0
        assert riding.receipt.negative_acted and riding.receipt.images[0].negative_steps == STEPS
        assert riding.receipt.images[0].push == (None,) * STEPS
        assert {term.channel for term in riding.receipt.terms} == {"attention"}
    for rule in WORSE:
        pushed, name = made(model, rule, scale=1.0), rule.split("(")[0]
        assert torch.isfinite(pushed.latents).all() and not same(pushed, plain), rule
        assert pushed.receipt.evaluations == {"positive": STEPS, name: STEPS}
        assert not pushed.receipt.negative_acted


@pytest.mark.parametrize(
    ("rule", "avoid"),
    [
        *((f"{rule}(weight=0)", "blurry, hat") for rule in (*RIDING, "pag", "seg", "slg")),
        *((f"{rule}(strength=window(0.9, 0.95))", "blurry, hat") for rule in (*RIDING, "pag", "seg", "slg")),
        *((rule, None) for rule in RIDING),
        *((rule, "") for rule in RIDING),
    ],
)
def test_off_is_the_unchanged_network_bit_for_bit(model: Model, rule: str, avoid: str | None) -> None:
    off = made(model, rule, avoid, scale=1.0)
    assert same(off, made(model, "cfg", avoid, scale=1.0))
    assert off.receipt.evaluations == {"positive": STEPS} and not off.receipt.negative_acted


def test_around_guidance_both_tell(model: Model) -> None:
    both = made(model, "nag", scale=4.0)
    assert both.receipt.evaluations == {"positive": STEPS, "negative": STEPS}
    assert both.receipt.terms[0].channel == "attention and negative branch"
    assert not same(both, made(model, "cfg", scale=4.0))


def test_a_window_of_a_term_is_kept(model: Model) -> None:
    late = made(model, "nag", (ns.Avoid(term="hat", window=(0.5, 1)),), steps=4)
    assert late.receipt.images[0].negative_steps == 2


def test_rows_of_one_kind_share_forwards_whatever_their_strength(model: Model) -> None:
    """A picture alone equals itself among others, bit for bit, and other kinds go through by themselves."""
    rules = ("nag(weight=2)", "nag", "vsf", "negpip", "pag", "cfg", "seg(blur=2)", "nag(cfg(scale=3))")
    asked = [
        ns.Request(prompt="a red cat", avoid="blurry", rule=rule, seed=i, scale=1.0, steps=STEPS)
        for i, rule in enumerate(rules)
    ]
    engine = Engine(model.network())
    lanes = [lane for request in asked for lane in model.run(model.plan(request)).lanes]
    for _ in engine.run(lanes):
        pass
    for request, lane in zip(asked, lanes, strict=True):
        assert torch.equal(lane.x, model.run(model.plan(request)).result().latents[0]), request.rule
    pair = Engine(model.network())
    for _ in pair.run([lane for request in asked[:2] for lane in model.run(model.plan(request)).lanes]):
        pass
    assert (pair.evaluations, pair.forwards) == (2 * STEPS, STEPS)


def test_the_network_is_left_as_it_was(model: Model) -> None:
    unet: Any = model.network()._parts.denoiser  # type: ignore[attr-defined]
    before = {name: id(processor) for name, processor in unet.attn_processors.items()}
    hooks = sum(len(module._forward_hooks) for module in unet.modules())
    for rule in (*RIDING, *WORSE):
        made(model, rule)
    assert {name: id(processor) for name, processor in unet.attn_processors.items()} == before
    assert sum(len(module._forward_hooks) for module in unet.modules()) == hooks


def test_negative_weights_of_words_act_on_either_side(model: Model) -> None:
    plain = made(model, "nag")
    assert not same(made(model, "nag", "blurry, (hat:-1)"), plain)
    turned = model.generate("a red cat, (hat:-1)", avoid="blurry", rule="nag", steps=STEPS)
    assert not same(turned, model.generate("a red cat, hat", avoid="blurry", rule="nag", steps=STEPS))


def test_a_configured_instance_is_a_rule(model: Model) -> None:
    assert same(made(model, Nag(weight=2.0)), made(model, "nag(weight=2)"))
    assert made(model, Cfg()).receipt.scale == 7.5, "an instance has its own scale"
    assert made(model, Nag()).receipt.rule == "nag(inner=cfg(scale=1.0))"


def test_words_are_told_from_padding(model: Model) -> None:
    encoder = model.network().encoder
    told = encoder.encode(ns.prompt.parse("a small hat"), "a1111")
    assert told.word_shares.nonzero().flatten().tolist() == [1, 2, 3]
    assert not encoder.empty().word_shares.any()


def test_layers_come_in_the_order_of_the_picture(model: Model) -> None:
    unet: Any = model.network()._parts.denoiser  # type: ignore[attr-defined]
    names = {id(module): name.split(".")[0] for name, module in unet.named_modules()}
    places = [names[id(layer)] for layer in UNetPatchHost(unet, "m").layers]
    assert places == sorted(places, key=["down_blocks", "mid_block", "up_blocks"].index)
    assert len(set(map(id, UNetPatchHost(unet, "m").layers))) == len(places) >= 3


# Autoguidance


@pytest.fixture(scope="module")
def weaker(tiny_sd: Path) -> Path:
    """The tiny folder with its UNet's middle weakened."""
    from safetensors.torch import load_file, save_file

    folder = tiny_sd.with_name("weaker")
    shutil.copytree(tiny_sd, folder)
    (file,) = (folder / "unet").glob("*.safetensors")
    weights = {
        name: weight * (0.5 if name.startswith("mid_block") else 1.0)
        for name, weight in load_file(file).items()
    }
    save_file(weights, file, metadata={"format": "pt"})
    return folder


def test_a_weaker_network_guides(model: Model, weaker: Path, tiny_sd: Path) -> None:
    guided = made(model, f"autoguidance(weak={str(weaker)!r})")
    assert guided.receipt.evaluations == {"positive": STEPS, "autoguidance": STEPS}
    plain = made(model, "cfg", scale=1.0)
    assert not same(guided, plain)
    itself = made(model, f"autoguidance(weak={str(tiny_sd)!r})")
    assert torch.allclose(itself.latents, plain.latents, atol=1e-5)


def test_a_weaker_network_is_told_of_negative_weights(model: Model, weaker: Path) -> None:
    rule = f"autoguidance(weak={str(weaker)!r}, weight=3)"
    told = [model.network().predict([row])[0] for row in rows(model, rule, "a cat, (hat:-1)")]
    plain = [model.network().predict([row])[0] for row in rows(model, rule, "a cat, hat")]
    assert not torch.allclose(told[1], plain[1], atol=1e-4)


def rows(model: Model, rule: str, prompt: str) -> list[Any]:
    return model.run(model.plan(ns.Request(prompt=prompt, rule=rule, steps=1))).lanes[0].rows()


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        (lambda folder: shutil.rmtree(folder), ModelError, "no model at"),
        (lambda folder: spoil(folder, '"cross_attention_dim": 32', '"cross_attention_dim": 48'), None, "48"),
    ],
)
def test_a_network_that_cannot_stand_in_is_refused(
    model: Model, tiny_sd: Path, spoil: Callable[[Path], None], error: Any, told: str
) -> None:
    folder = tiny_sd.with_name("spoiled")
    shutil.copytree(tiny_sd, folder)
    try:
        spoil(folder)
        with pytest.raises(error or RequestError, match=told):
            model.run(model.plan(ns.Request(prompt="a cat", rule=f"autoguidance(weak={str(folder)!r})")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spoil(folder: Path, old: str, new: str) -> None:
    file = folder / "unet" / "config.json"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_network_of_another_prediction_is_refused(model: Model, tiny_sd_v: Path) -> None:
    with pytest.raises(RequestError, match="does not predict epsilon"):
        model.run(model.plan(ns.Request(prompt="a cat", rule=f"autoguidance(weak={str(tiny_sd_v)!r})")))


def test_a_patch_that_has_no_place_is_refused(model: Model) -> None:
    class Unheard(Patch):
        pass

    with pytest.raises(RequestError, match="no place for Unheard"):
        model.network().host(Unheard())
