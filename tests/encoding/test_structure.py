"""compel's functions: the package itself says what the numbers must be."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from compel import Compel, ReturnedEmbeddingsType
from transformers import CLIPTextModel, CLIPTokenizer

import negspace
from negspace.encoding import EndToEnd, SideBySide, TextEncoder, match_lengths
from negspace.errors import EncodingError
from negspace.facts import TextEncoderLayer
from negspace.prompt import parse
from tests.encoding.tiny import (
    FIRST_LAYER,
    clip_config,
    clip_encoder,
    clip_pair,
    clip_tokenizer,
    stirred,
    t5_encoder,
)

EMBEDDED = Path(negspace.__file__).with_name("embedded")
LARGEST_DIFFERENCE = 1e-5

TEXTS = [
    "",
    "a red cat",
    "a red++ cat",
    "a (big house)1.3 in the snow",
    "a red- cat",
    "a red--- cat and a boat",
    "a (smoke)0.3 (dog)0.7 on the beach",
    "(a (red)1.5 cat)0.8",
    "a (red cat).attend(1.4)",
    '"a red cat"+ in the snow',
    '("a cat", "a red dog").blend(1, 0.8)',
    '("a cat", "a (red)1.4 dog", "snow").blend(1, 0.5, 0.25)',
    '("a cat", "a dog").blend(1, -0.4, no_normalize)',
    '("a cat", "a red dog").and()',
    '("a cat", "a (red)0.4 dog").and(1, 0.5)',
    "a cat.swap(dog) in the snow",
]


def theirs(tokenizer: Any, model: Any, text: str, kind: ReturnedEmbeddingsType | None = None) -> torch.Tensor:
    asked: dict[str, Any] = {} if kind is None else {"returned_embeddings_type": kind}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's own
        return Compel(tokenizer, model, truncate_long_prompts=False, **asked)(text)[0]


def difference(encoder: TextEncoder, expected: torch.Tensor, text: str) -> float:
    got = encoder.encode(parse(text, "compel"), "compel").hidden
    assert got.shape == expected.shape
    return float((got - expected).abs().max())


@pytest.mark.parametrize("text", TEXTS)
def test_the_numbers_of_compel_on_a_small_encoder(text: str) -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1)
    encoder = TextEncoder(tokenizer, model)
    assert difference(encoder, theirs(tokenizer, model, text), text) < LARGEST_DIFFERENCE


@pytest.mark.parametrize("text", TEXTS)
def test_the_numbers_of_compel_on_the_embedded_encoder(text: str) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(EMBEDDED / "tokenizer")
    model = CLIPTextModel.from_pretrained(EMBEDDED / "text_encoder", dtype=torch.float32).eval()
    assert (
        difference(TextEncoder(tokenizer, model), theirs(tokenizer, model, text), text) < LARGEST_DIFFERENCE
    )


def test_the_numbers_of_compel_on_the_layer_that_sdxl_reads() -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1)
    text = "a (red)1.3 cat (smoke)0.5"
    kind = ReturnedEmbeddingsType.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED
    encoder = TextEncoder(tokenizer, model, layer=FIRST_LAYER)
    assert difference(encoder, theirs(tokenizer, model, text, kind), text) < LARGEST_DIFFERENCE


ENCODER = clip_encoder()


def test_a_blend_by_hand() -> None:
    told = ENCODER.encode(parse('("a cat", "a dog").blend(3, 1)', "compel"))
    cat, dog = ENCODER.encode(parse("a cat")).hidden, ENCODER.encode(parse("a dog")).hidden
    torch.testing.assert_close(told.hidden, (3 * cat + dog) / 4)


def test_a_blend_mixes_the_summaries_and_they_never_see_the_syntax() -> None:
    second = clip_pair()[1]
    told = second.encode(parse('("a cat", "a (red)1.5 dog").blend(3, 1)', "compel"), "compel")
    cat, dog = second.encode(parse("a cat")).pooled, second.encode(parse("a red dog")).pooled
    assert told.pooled is not None and cat is not None and dog is not None
    torch.testing.assert_close(told.pooled, (3 * cat + dog) / 4)


def test_a_conjunction_by_hand() -> None:
    told = ENCODER.encode(parse('("a cat", "a dog").and(1, 0.5)', "compel"))
    empty, dog = ENCODER.empty().hidden, ENCODER.encode(parse("a dog")).hidden
    assert told.windows == 2
    assert torch.equal(told.hidden[:77], ENCODER.encode(parse("a cat")).hidden)
    torch.testing.assert_close(told.hidden[77:], (empty + dog) / 2)


def test_every_place_is_told_as_in_the_whole_text() -> None:
    text = '("a cat", "a red dog").and()'
    told = ENCODER.encode(parse(text, "compel"))
    words = [word for chunk in told.tokens[0].chunks for word in chunk.words]
    assert [text[slice(*word.span)] for word in words] == ["a", "cat", "a", "red", "dog"]
    assert [place for chunk in told.tokens[0].chunks for place in chunk.places] == [1, 2, 78, 79, 80]


def test_a_swap_draws_the_original_and_carries_the_edited() -> None:
    told = ENCODER.encode(parse("a cat.swap(big dog, t_start=0.1, t_end=0.7) in snow", "compel"))
    assert torch.equal(told.hidden, ENCODER.encode(parse("a cat in snow", "compel")).hidden)
    assert told.exchange is not None
    edited = ENCODER.encode(parse('a "big dog" in snow', "compel"))
    assert torch.equal(told.exchange.edited.hidden, edited.hidden)
    assert told.exchange.attention == (0.1, 0.7) and told.exchange.self_attention == (0.0, 0.0)
    # begin, a, [big dog], in, snow take the maps of begin, a, in, snow; what was swapped in has its own.
    assert told.exchange.source_tokens[:7].tolist() == [0, 1, -1, -1, 3, 4, -1]
    (finding,) = told.findings
    assert finding.code == "swap" and finding.text.startswith(
        "'cat' is drawn; 'big dog' takes its place and its maps from 0.1 to 0.7"
    )


def test_sdxl_carries_out_a_blend_in_both_encoders() -> None:
    pair = clip_pair()
    text = '("a cat", "a red dog").blend(1, 1)'
    both = SideBySide(pair).encode(parse(text, "compel"), "compel")
    alone = [encoder.encode(parse(text, "compel"), "compel").hidden for encoder in pair]
    torch.testing.assert_close(both.hidden, torch.cat(alone, dim=1))


def test_sd3_reads_a_conjunction_in_a_row_where_text_is_running() -> None:
    t5 = t5_encoder()
    told = EndToEnd(SideBySide(clip_pair()), t5).encode(parse('("a cat", "a dog").and()', "compel"))
    assert told.windows == 2 and told.tail == 24
    assert torch.equal(told.hidden[154:, :96], t5.encode(parse("a cat a dog")).hidden)


def test_a_blend_of_different_lengths_pads_with_empty_windows() -> None:
    long = " ".join(["house"] * 80)
    told = ENCODER.encode(parse(f'("a cat", "{long}").blend(1, 1)', "compel"))
    parts = match_lengths([ENCODER.encode(parse("a cat")), ENCODER.encode(parse(long))])
    torch.testing.assert_close(told.hidden, (parts[0].hidden + parts[1].hidden) / 2)


def test_weights_that_cancel_cannot_be_normalised() -> None:
    with pytest.raises(EncodingError, match="add up to 0"):
        ENCODER.encode(parse('("a cat", "a dog").blend(1, -1)', "compel"))


def test_weights_too_large_to_be_told_are_an_error() -> None:
    with pytest.raises(EncodingError, match="too large for torch.float32"):
        ENCODER.encode(parse(f'("a cat", "a dog").blend(1, 1{"0" * 60}, no_normalize)', "compel"))
    with pytest.raises(EncodingError, match="too large for torch.float32"):
        ENCODER.encode(parse(f'("a cat", "a dog").and(1, 1{"0" * 60})', "compel"))


def test_running_text_cannot_weigh_the_parts_of_a_conjunction() -> None:
    with pytest.raises(
        EncodingError, match=r"text_encoder_3 reads running text and cannot weigh parts of and\(\)"
    ):
        t5_encoder().encode(parse('("a cat", "a dog").and(1, 0.5)', "compel"))


def test_a_second_text_beside_a_blend_is_refused() -> None:
    with pytest.raises(EncodingError, match="must be the same for every text encoder"):
        SideBySide(clip_pair()).encode(parse('("a", "b").blend(1, 1)', "compel"), others=[parse("dog")])


def test_running_text_is_blended_where_its_padding_is_read() -> None:
    language = t5_encoder(layer=TextEncoderLayer(text="source"))
    told = language.encode(parse('("a cat", "a dog").blend(3, 1)', "compel"))
    cat, dog = (language.encode(parse(text)).hidden for text in ("a cat", "a dog"))
    torch.testing.assert_close(told.hidden, (3 * cat + dog) / 4)


@pytest.mark.parametrize(
    ("layer", "text", "message"),
    [
        (
            TextEncoderLayer(text="source", padding="masked"),
            '("a", "b").blend(1, 1)',
            "mix the parts of blend",
        ),
        (TextEncoderLayer(text="source"), "a cat.swap(dog)", "exchange the maps of swap"),
        (TextEncoderLayer(text="source"), '("a", "b").and(1, 0.5)', "weigh parts of and"),
    ],
)
def test_running_text_refuses_what_it_cannot_carry_out(
    layer: TextEncoderLayer, text: str, message: str
) -> None:
    with pytest.raises(EncodingError, match=f"text_encoder_3 reads running text and cannot {message}"):
        t5_encoder(layer=layer).encode(parse(text, "compel"))


def test_a_weight_of_0_is_the_absence_of_the_word_unlike_in_compel() -> None:
    told = ENCODER.encode(parse("a (cat)0 dog", "compel"), "compel")
    assert torch.equal(told.hidden, ENCODER.encode(parse("a dog")).hidden)
