"""What the language of prompts and the encodings do for whoever asks a model: on the tiny one, end to end."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import negspace as ns
from negspace.errors import EncodingError, PromptError, RequestError
from negspace.generate import Model
from negspace.guidance import RULES
from negspace.receipt import Receipt


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


@pytest.fixture(scope="module")
def bad_hands(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("embeddings") / "bad-hands.safetensors"
    rows = torch.randn(3, 32, generator=torch.Generator().manual_seed(5))
    save_file({"emb_params": rows}, file)
    return str(file)


# Embeddings


def test_an_embedding_acts_and_stands_in_the_receipt(model: Model, bad_hands: str) -> None:
    taught = model.generate("a cat", avoid="(bad-hands:1.2), blurry", embeddings=(bad_hands,))
    plain = model.generate("a cat", avoid="(bad-hands:1.2), blurry")
    assert not torch.equal(taught.latents, plain.latents)
    (one,) = taught.receipt.embeddings
    assert (one.name, one.vectors, one.file) == ("bad-hands", 3, bad_hands)
    assert one.sha256 == hashlib.sha256(Path(bad_hands).read_bytes()).hexdigest()
    first, second = taught.receipt.terms
    assert first.tokens == ("bad-hands",) * 3 and first.known and second.tokens == ("blurry</w>",)
    assert "bad-hands" in taught.receipt.summary() and one.sha256[:12] in taught.receipt.summary()
    assert Receipt.from_json(taught.receipt.to_json()) == taught.receipt
    assert plain.receipt.embeddings == () and plain.receipt.terms[0].known is False


def test_an_embedding_lasts_for_its_request_only(model: Model, bad_hands: str) -> None:
    before = model.generate("a cat", avoid="bad-hands")
    model.generate("a cat", avoid="bad-hands", embeddings=(bad_hands,))
    assert torch.equal(before.latents, model.generate("a cat", avoid="bad-hands").latents)
    assert model.facts.embeddings == ()


def test_an_embedding_that_nothing_names_changes_nothing(model: Model, bad_hands: str) -> None:
    given = model.generate("a cat", avoid="blurry", embeddings=(bad_hands,))
    assert torch.equal(given.latents, model.generate("a cat", avoid="blurry").latents)
    assert [one.code for one in given.receipt.findings] == ["embedding-not-named"]


def test_the_picture_is_made_again_from_its_receipt(model: Model, bad_hands: str) -> None:
    first = model.generate("a cat", avoid="bad-hands", embeddings=(bad_hands,)).receipt
    again = model.run(model.plan(first.request)).result().receipt
    assert again == first


def test_embeddings_that_cannot_be_are_refused(model: Model, bad_hands: str, tmp_path: Path) -> None:
    wide, double = tmp_path / "wide.safetensors", tmp_path / "Bad-Hands.safetensors"
    save_file({"emb_params": torch.ones(2, 48)}, wide)
    save_file({"emb_params": torch.ones(2, 32)}, double)
    with pytest.raises(RequestError, match="vectors of 48, but tiny reads vectors of 32"):
        model.generate("a cat", embeddings=(str(wide),))
    with pytest.raises(EncodingError, match="both teach the word 'Bad-Hands'"):
        model.plan(ns.Request(prompt="a cat", embeddings=(bad_hands, str(double))))
    with pytest.raises(EncodingError, match="no such embedding file"):
        model.generate("a cat", embeddings=("nowhere.pt",))


# Inline forms and strict readings


def test_an_inline_form_is_the_avoid_it_spells(model: Model) -> None:
    inline = model.generate("a cat | (hat:1.3)", avoid="blurry", inline=("bar",))
    spelled = model.generate("a cat", avoid="blurry, (hat:1.3)")
    assert torch.equal(inline.latents, spelled.latents)
    (moved,) = inline.receipt.moved
    assert (moved.text, moved.span) == ("(hat:1.3)", (8, 17))
    assert inline.receipt.positive.text == "a cat" and inline.receipt.negative.text == "blurry, (hat:1.3)"
    assert inline.receipt.request.prompt == "a cat | (hat:1.3)"
    assert "characters 8 to 17 of the prompt" in inline.receipt.summary()


def test_a_strict_reading_stops_before_anything_runs(model: Model) -> None:
    with pytest.raises(PromptError, match="avoid: '1.2.3' is not a weight"):
        model.generate("a cat", avoid="(hat:1.2.3)", reading="strict")
    receipt = model.generate("a cat", avoid="(hat:1.2.3)").receipt
    assert [(one.code, one.span) for one in receipt.findings if one.code == "number"] == [("number", (5, 10))]


# What each word became


@pytest.mark.parametrize(
    ("avoid", "tokens"),
    [
        ("no hat, hat snow", [("hat</w>",), ("hat</w>", "snow</w>")]),
        ("(small (hat:1.2), text)", [("small</w>", "hat</w>"), ("text</w>",)]),
        ("small BREAK hat, small hat", [("small</w>",), ("hat</w>",), ("small</w>", "hat</w>")]),
        ("hat's, hat", [("hat</w>", "'", "s</w>"), ("hat</w>",)]),
        ("Hat, HAT", [("hat</w>",), ("hat</w>",)]),
    ],
)
def test_a_term_has_the_tokens_of_its_words(model: Model, avoid: str, tokens: list[tuple[str, ...]]) -> None:
    terms = model.generate("a cat", avoid=avoid, steps=1, sampler="DDIM").receipt.terms
    assert [term.tokens for term in terms] == tokens


def test_letters_outside_ascii_keep_their_tokens(model: Model) -> None:
    first, second = model.generate("a cat", avoid="naïve, hat", steps=1, sampler="DDIM").receipt.terms
    assert first.tokens[0] == "n" and first.tokens[-1] == "e</w>" and len(first.tokens) == 6
    assert second.tokens == ("hat</w>",)


# Batches


@pytest.mark.parametrize("rule", sorted(RULES))
def test_gap_a_batch_of_two_equals_two_of_one_for_every_rule(model: Model, rule: str, tiny_sd: Path) -> None:
    """Perp-Neg, Mahiro and dynamic thresholding couple the pictures of a batch in other programs."""
    if rule not in model.facts.rules:
        pytest.skip(f"the tiny model cannot host {rule}")
    text = f"{rule}(weak={str(tiny_sd)!r})" if rule == "autoguidance" else rule
    asked: dict[str, Any] = {"rule": text, "steps": 3, "scale": 4.0}
    requests = [
        ns.Request(prompt="a (red:1.4) cat", avoid="blurry", seed=1, **asked),
        ns.Request(prompt="a house, snow", avoid="((hat)), [text]", seed=9, **asked),
    ]
    for together, request in zip(model.generate_all(requests), requests, strict=True):
        assert torch.equal(together.latents, model.run(model.plan(request)).result().latents)
    pair = model.generate("a cat", avoid="hat", n=2, seed=1, **asked).latents
    for latents, seed in zip(pair, (1, 2), strict=True):
        assert torch.equal(latents, model.generate("a cat", avoid="hat", seed=seed, **asked).latents[0])
