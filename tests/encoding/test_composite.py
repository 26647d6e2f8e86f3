"""Several text encoders: SDXL side by side, SD3 end to end, each with its own share of the text."""

from typing import Any

import pytest
import torch
from transformers import CLIPTextModelWithProjection

from negspace.encoding import EndToEnd, SideBySide, TextEncoder, match_lengths
from negspace.errors import EncodingError
from negspace.facts import EncoderFacts
from negspace.prompt import parse
from tests.encoding.tiny import SECOND_LAYER, clip_config, clip_pair, clip_tokenizer, stirred, t5_encoder

LONG = "house, " * 45  # 90 tokens: two windows of CLIP, cut by the T5 below


@pytest.fixture(scope="module")
def pair() -> tuple[TextEncoder, TextEncoder]:
    return clip_pair()


@pytest.fixture(scope="module")
def sdxl(pair: tuple[TextEncoder, TextEncoder]) -> SideBySide:
    return SideBySide(pair)


@pytest.fixture(scope="module")
def projecting() -> TextEncoder:
    """SD3's first encoder, unlike SDXL's, has a projected summary too."""
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModelWithProjection(clip_config(tokenizer)), 1)
    return TextEncoder(tokenizer, model, EncoderFacts(), SECOND_LAYER)


@pytest.fixture(scope="module")
def sd3(projecting: TextEncoder, pair: tuple[TextEncoder, TextEncoder]) -> EndToEnd:
    return EndToEnd(SideBySide([projecting, pair[1]]), t5_encoder())


def sdxl_pipeline(pair: tuple[TextEncoder, TextEncoder]) -> Any:
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    first, second = pair
    parts: dict[str, Any] = {
        "vae": None,
        "unet": None,
        "scheduler": None,
        "text_encoder": first._model.model,
        "text_encoder_2": second._model.model,
        "tokenizer": first._tokenizer,
        "tokenizer_2": second._tokenizer,
    }
    return StableDiffusionXLPipeline(**parts, add_watermarker=False)


@torch.no_grad()
def test_sdxl_is_what_diffusers_encodes(pair: tuple[TextEncoder, TextEncoder], sdxl: SideBySide) -> None:
    texts = {
        "prompt": "a red cat",
        "prompt_2": "a picture",
        "negative_prompt": "smoke",
        "negative_prompt_2": "dog",
    }
    theirs = sdxl_pipeline(pair).encode_prompt(device="cpu", **texts)
    ours = sdxl.encode(parse("a red cat"), others=[parse("a picture")])
    negative = sdxl.encode(parse("smoke"), others=[parse("dog")])
    assert torch.equal(ours.hidden, theirs[0][0]) and torch.equal(negative.hidden, theirs[1][0])
    assert ours.pooled is not None and torch.equal(ours.pooled, theirs[2][0])
    assert negative.pooled is not None and torch.equal(negative.pooled, theirs[3][0])


@torch.no_grad()
def test_sd3_is_what_diffusers_encodes(sd3: EndToEnd) -> None:
    from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import StableDiffusion3Pipeline

    assert isinstance(sd3.first, SideBySide) and isinstance(sd3.second, TextEncoder)
    clip_l, clip_g, t5 = *sd3.first.encoders, sd3.second
    parts: dict[str, Any] = {"transformer": None, "vae": None, "scheduler": None}
    for number, encoder in zip(("", "_2", "_3"), (clip_l, clip_g, t5), strict=True):
        assert isinstance(encoder, TextEncoder)
        parts |= {f"text_encoder{number}": encoder._model.model, f"tokenizer{number}": encoder._tokenizer}
    pipeline: Any = StableDiffusion3Pipeline(**parts)
    theirs = pipeline.encode_prompt("a red cat", None, "a boat", "cpu", max_sequence_length=24)
    ours = sd3.encode(parse("a red cat"), others=[None, parse("a boat")])
    assert torch.equal(ours.hidden, theirs[0][0])
    assert ours.pooled is not None and torch.equal(ours.pooled, theirs[2][0])


def test_each_encoder_pads_with_its_own_empty_window(
    pair: tuple[TextEncoder, TextEncoder], sdxl: SideBySide
) -> None:
    """The first text is two windows, the second one: its other window is its own empty one."""
    told = sdxl.encode(parse(LONG), others=[parse("cat")])
    assert told.windows == 2 and told.hidden.shape == (154, 72)
    assert torch.equal(told.hidden[:77, 32:], pair[1].encode(parse("cat")).hidden)
    assert torch.equal(told.hidden[77:, 32:], pair[1].empty().hidden)
    assert torch.equal(told.hidden[:, :32], pair[0].encode(parse(LONG)).hidden)


def test_encoders_pad_their_text_with_different_tokens(pair: tuple[TextEncoder, TextEncoder]) -> None:
    first, second = pair
    assert first._reader.pad == first._tokenizer.eos_token_id
    assert (
        second._reader.pad == second._tokenizer.convert_tokens_to_ids("!") != second._tokenizer.eos_token_id
    )


def test_windows_of_negative_words_meet_their_own_kind(
    pair: tuple[TextEncoder, TextEncoder], sdxl: SideBySide
) -> None:
    """Where one text is longer, padding goes before the windows of negative words."""
    told = sdxl.encode(parse(f"{LONG} (smoke:-1)"), others=[parse("cat (dog:-1)")])
    assert (told.windows, told.negative_windows) == (3, 1)
    assert told.value_scale is not None
    assert told.value_scale.tolist() == [1.0] * 155 + [-1.0] * 76
    dog = pair[1].encode(parse("dog")).hidden
    assert torch.equal(told.hidden[154:, 32:], dog)
    assert torch.equal(told.hidden[77:154, 32:], pair[1].empty().hidden)
    places = [place for chunk in told.tokens[1].chunks if chunk.weight < 0 for place in chunk.places]
    assert places == [155]


def test_sd3_pads_between_windows_and_running_text(sd3: EndToEnd) -> None:
    short, long = match_lengths([sd3.encode(parse("a cat")), sd3.encode(parse(LONG))])
    alone = sd3.encode(parse("a cat"))
    assert short.hidden.shape == long.hidden.shape == (2 * 77 + 24, 96)
    assert torch.equal(short.hidden[:77], alone.hidden[:77])
    assert torch.equal(short.hidden[77:154], sd3.empty().hidden[:77])
    assert torch.equal(short.hidden[154:], alone.hidden[77:])
    (running,) = short.tokens[2].chunks
    assert running.places == (154, 155)


def test_what_the_running_text_cannot_hold_is_reported_and_the_windows_hold_it_all(sd3: EndToEnd) -> None:
    told = sd3.encode(parse(LONG))
    assert [report.cut for report in told.tokens[:2]] == [(), ()]
    assert len(told.tokens[2].cut) == 45 - 12  # 23 tokens are 11 times "house," and once "house"
    (finding,) = told.findings
    assert finding.text.startswith("text_encoder_3 reads 23 tokens; 67 more were cut: house house")


def test_a_negative_word_in_running_text_turns_its_own_values(sd3: EndToEnd) -> None:
    told = sd3.encode(parse("a cat, (dog:-1)"))
    assert told.value_scale is not None
    assert told.value_scale.tolist() == [1.0] * 78 + [-1.0] * 76 + [1.0] * 3 + [-1.0] + [1.0] * 20


def test_with_weights_only_in_the_windows_the_language_model_reads_the_words(
    projecting: TextEncoder, pair: tuple[TextEncoder, TextEncoder]
) -> None:
    """Weights reach the windows; the language model gets the words, and brackets that are no weight."""
    language = t5_encoder(layer=None)
    told = EndToEnd(SideBySide([projecting, pair[1]]), language).encode(parse(r"a (cat:1.2) \(fate\)"))
    (literal,) = told.tokens[2].chunks
    assert (literal.text, literal.weight) == ("a cat (fate)", 1.0)
    assert torch.equal(told.hidden[77:], language.encode(parse("a cat (fate)", "plain")).hidden)


def test_a_third_text_for_two_encoders_is_refused(sdxl: SideBySide) -> None:
    with pytest.raises(EncodingError, match="has 2 text model"):
        sdxl.encode(parse("a"), others=[None, parse("b")])


def test_running_text_cannot_stand_side_by_side_with_windows() -> None:
    with pytest.raises(EncodingError, match="cannot stand side by side"):
        SideBySide([clip_pair()[0], t5_encoder()]).encode(parse("a cat"))


def test_fingerprints_tell_arrangements_apart(pair: tuple[TextEncoder, TextEncoder], sd3: EndToEnd) -> None:
    first, second = pair
    names = {
        SideBySide([first, second]).fingerprint,
        SideBySide([second, first]).fingerprint,
        sd3.fingerprint,
    }
    assert len(names) == 3
