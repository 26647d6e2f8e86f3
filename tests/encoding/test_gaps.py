"""The cases that other systems' suites lack, as far as encoding decides them; each is named."""

import pytest
import torch

from negspace.encoding import (
    WEIGHTINGS,
    Conditioning,
    Encoder,
    EndToEnd,
    SideBySide,
    encode_negative,
    match_lengths,
)
from negspace.prompt import parse
from tests.encoding.tiny import clip_encoder, clip_pair, t5_encoder

SD1, SDXL = clip_encoder(), SideBySide(clip_pair())
SD3 = EndToEnd(SDXL, t5_encoder(window=256))


def text_of(tokens: int) -> str:
    return " ".join(["blurry", "smoke", "text", "hand", "watermark"][i % 5] for i in range(tokens))


@pytest.mark.parametrize("encoder", [SD1, SDXL, SD3], ids=["sd", "sdxl", "sd3"])
def test_negatives_of_1_76_and_160_tokens_in_one_batch(encoder: Encoder) -> None:
    """A1111 crashes on them (sd-dynamic-prompts#413, Umi-AI#27); diffusers cuts two of the three."""
    alone = [encoder.encode(parse(text_of(count))) for count in (1, 76, 160)]
    assert [told.windows for told in alone] == [1, 2, 3]
    batch = match_lengths(alone)
    assert len({told.hidden.shape for told in batch}) == 1
    for told, own, count in zip(batch, alone, (1, 76, 160), strict=True):
        windows = own.windows * 77
        assert torch.equal(told.hidden[:windows], own.hidden[:windows])
        tail = own.hidden[windows:]
        assert torch.equal(told.hidden[len(told.hidden) - len(tail) :], tail)
        assert all(sum(len(chunk.ids) for chunk in report.chunks) == count for report in told.tokens)
        assert not told.findings


def test_BREAK_inside_a_weight_is_still_a_break() -> None:
    """A1111 multiplies the marker's weight and then encodes BREAK as a word."""
    told = SD1.encode(parse("(a cat BREAK a dog:1.2)"))
    assert told.windows == 2
    assert torch.equal(told.hidden[:77], SD1.encode(parse("(a cat:1.2)")).hidden)
    assert torch.equal(told.hidden[77:], SD1.encode(parse("(a dog:1.2)")).hidden)
    assert [word.text for chunk in told.tokens[0].chunks for word in chunk.words] == ["a", "cat", "a", "dog"]


def test_a_weight_of_minus_one_beside_BREAK_is_a_weight() -> None:
    """A1111 merges the two into one text."""
    told = SD1.encode(parse("a cat BREAK (dog:-1)"))
    assert told.negative_windows == 1
    assert torch.equal(told.hidden[:77], SD1.encode(parse("a cat")).hidden)
    assert torch.equal(told.hidden[-77:], SD1.encode(parse("dog")).hidden)


def test_a_number_that_is_none_is_encoded_as_text() -> None:
    """`(x:1.2.3)` raises in A1111."""
    assert SD1.encode(parse("(cat:1.2.3)")).windows == 1


def test_AND_in_a_negative_is_encoded_apart() -> None:
    """The parts that compose() tells apart are encoded like texts of their own, of any length."""
    from negspace.prompt import compose

    parts = [SD1.encode(parse(part.text)) for part in compose(f"smoke AND {text_of(80)}")]
    assert [part.windows for part in match_lengths(parts)] == [2, 2]


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
@pytest.mark.parametrize("encoder", [SD1, SDXL, SD3], ids=["sd", "sdxl", "sd3"])
def test_a_batch_of_two_equals_two_batches_of_one(encoder: Encoder, weighting: str) -> None:
    """A1111 takes its emphasis mean over all texts of a batch, so each changes the other."""
    texts = ["a (red:1.4) cat", "((blurry)), [smoke], (hand:0.2)"]
    first = [encoder.encode(parse(text), weighting) for text in texts]
    second = [encoder.encode(parse(text), weighting) for text in reversed(texts)][::-1]
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.hidden, other.hidden)


def test_tags_with_brackets_are_unchanged_on_a_language_model() -> None:
    """`ereshkigal (fate)` became garbage there (stable-diffusion.cpp#1492)."""
    language = t5_encoder(layer=None)
    for text, dialect in ((r"ereshkigal \(fate\)", "a1111"), ("ereshkigal (fate)", "plain")):
        (chunk,) = language.encode(parse(text, dialect)).tokens[0].chunks
        assert (chunk.text, chunk.weight) == ("ereshkigal (fate)", 1.0)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [("a (cat:1.4) [dog]", "a1111"), ("a (cat:1.4) (dog)", "comfy"), ("a (cat)1.4 dog--", "compel")],
)
def test_weights_of_a_dialect_never_reach_a_language_model(text: str, dialect: str) -> None:
    language = t5_encoder(layer=None)
    (chunk,) = language.encode(parse(text, dialect)).tokens[0].chunks
    assert (chunk.text, chunk.weight) == ("a cat dog", 1.0)
    assert torch.equal(
        language.encode(parse(text, dialect)).hidden, language.encode(parse("a cat dog")).hidden
    )


def test_negative_prompt_2_alone() -> None:
    """diffusers drops it: its test is only whether negative_prompt is None."""
    told = encode_negative(SDXL, None, "zeros", others=[parse("smoke")])
    absent = encode_negative(SDXL, None, "zeros")
    assert isinstance(told, Conditioning) and isinstance(absent, Conditioning)
    assert not torch.equal(told.hidden, absent.hidden)


def test_a_line_that_reads_Negative_prompt_is_text() -> None:
    told = SD1.encode(parse("a cat\nNegative prompt: smoke"))
    assert torch.equal(told.hidden, SD1.encode(parse("a cat Negative prompt: smoke")).hidden)


@pytest.mark.parametrize("negative", [None, "", " "])
def test_an_empty_prompt_and_an_empty_negative_are_one_window_each(negative: str | None) -> None:
    """They were no window at all in sd_embed and lpw_xl (diffusers#4743)."""
    positive = SD1.encode(parse(""))
    told = encode_negative(SD1, None if negative is None else parse(negative), "empty")
    assert told is not None and told.windows == positive.windows == 1
    assert torch.equal(told.hidden, positive.hidden)
    assert told.hidden.isfinite().all()


def test_an_embedding_can_be_weighed() -> None:
    """smZNodes#41, compel#61: a weight on an embedding was lost."""
    taught = clip_encoder(vectors={"easynegative": torch.ones(3, 32)})
    plain, weighed = (
        taught.encode(parse(text), "lerp").hidden for text in ("easynegative", "(easynegative:1.5)")
    )
    empty = taught.empty().hidden
    torch.testing.assert_close(weighed[1:4], empty[1:4] + 1.5 * (plain[1:4] - empty[1:4]))


def test_a_tiny_negative_weight_changes_no_other_word() -> None:
    """negpip#51: `(x:-0.0001)` changed the picture. The other words' states must not feel it."""
    told = SD1.encode(parse("a red cat (smoke:-0.0001)"), "lerp")
    assert torch.equal(told.hidden[:77], SD1.encode(parse("a red cat")).hidden)


def test_every_layer_norm_mean_of_zero_survives_a1111() -> None:
    """A fresh final layer norm has unit gain, so every mean is zero up to rounding: nothing may blow up."""
    from transformers import CLIPTextModel

    from negspace.encoding import TextEncoder
    from tests.encoding.tiny import clip_config, clip_tokenizer

    tokenizer = clip_tokenizer()
    told = TextEncoder(tokenizer, CLIPTextModel(clip_config(tokenizer)).eval()).encode(
        parse("a (cat:1.4) [dog]")
    )
    assert float(told.hidden.abs().max()) < 10
