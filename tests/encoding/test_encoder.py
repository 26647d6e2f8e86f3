"""TextEncoder: the same numbers as diffusers, whatever the length, whoever else is in the batch."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTextModel

from negspace.encoding import WEIGHTINGS, Conditioning, TextEncoder, match_lengths
from negspace.errors import EncodingError
from negspace.facts import EncoderFacts, TextEncoderLayer
from negspace.prompt import parse
from tests.encoding.tiny import (
    WORDS,
    clip_config,
    clip_encoder,
    clip_pair,
    clip_tokenizer,
    stirred,
    t5_encoder,
)


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return clip_encoder(words=frozenset(WORDS))


def words(count: int, start: int = 0) -> str:
    """A text of exactly `count` tokens."""
    return " ".join(WORDS[(start + i) % len(WORDS)] for i in range(count))


def same(left: Conditioning, right: Conditioning) -> bool:
    assert (left.pooled is None) == (right.pooled is None)
    pooled = left.pooled is None or right.pooled is None or torch.equal(left.pooled, right.pooled)
    return torch.equal(left.hidden, right.hidden) and pooled


def diffusers_pipeline(tokenizer: Any, model: Any) -> Any:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    absent: dict[str, Any] = dict.fromkeys(
        ("vae", "unet", "scheduler", "safety_checker", "feature_extractor")
    )
    return StableDiffusionPipeline(
        text_encoder=model, tokenizer=tokenizer, requires_safety_checker=False, **absent
    )


@pytest.mark.parametrize("text", ["", "a red cat on the beach", "a cat, zebra's 3 boats!", words(75)])
@torch.no_grad()
def test_text_without_weights_is_what_diffusers_encodes(text: str) -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1)
    theirs, _ = diffusers_pipeline(tokenizer, model).encode_prompt(text, "cpu", 1, False)
    ours = TextEncoder(tokenizer, model).encode(parse(text))
    assert torch.equal(ours.hidden, theirs[0])


@pytest.mark.parametrize("skip", [1, 2])
@torch.no_grad()
def test_clip_skip_is_what_diffusers_encodes(skip: int) -> None:
    second = clip_pair()[1]
    model, tokenizer = second._model.model, second._tokenizer  # the class whose norm diffusers finds
    theirs, _ = diffusers_pipeline(tokenizer, model).encode_prompt(
        "a red cat", "cpu", 1, False, clip_skip=skip
    )
    ours = TextEncoder(tokenizer, model, layer=TextEncoderLayer(skip=skip)).encode(parse("a red cat"))
    assert torch.equal(ours.hidden, theirs[0])


def test_every_layer_that_is_skipped_changes_the_answer() -> None:
    texts = [clip_encoder(TextEncoderLayer(skip=skip)).encode(parse("a cat")).hidden for skip in (0, 1, 2)]
    assert not torch.equal(texts[0], texts[1]) and not torch.equal(texts[1], texts[2])


def test_skipping_more_layers_than_there_are_is_an_error() -> None:
    with pytest.raises(EncodingError, match="has 3 layers and cannot skip 3"):
        clip_encoder(TextEncoderLayer(skip=3)).encode(parse("a cat"))


@pytest.mark.parametrize(
    ("count", "windows"), [(0, 1), (1, 1), (75, 1), (76, 2), (150, 2), (151, 3), (160, 3)]
)
def test_text_of_any_length_fills_as_many_windows_as_it_needs(
    encoder: TextEncoder, count: int, windows: int
) -> None:
    told = encoder.encode(parse(words(count)))
    assert told.windows == windows
    assert told.hidden.shape == (77 * windows, 32)
    assert not told.findings
    assert sum(len(chunk.ids) for chunk in told.tokens[0].chunks) == count


def test_a_window_is_begin_text_end_and_padding(encoder: TextEncoder) -> None:
    """Two windows are each what the model says to that window alone."""
    told = encoder.encode(parse(f"{words(75)} cat"))
    assert torch.equal(told.hidden[:77], encoder.encode(parse(words(75))).hidden)
    assert torch.equal(told.hidden[77:], encoder.encode(parse("cat")).hidden)


def test_BREAK_begins_a_window_and_is_not_encoded(encoder: TextEncoder) -> None:
    told = encoder.encode(parse("a cat BREAK a dog"))
    assert told.windows == 2
    assert torch.equal(told.hidden[77:], encoder.encode(parse("a dog")).hidden)
    assert [chunk.text.strip() for chunk in told.tokens[0].chunks] == ["a cat", "a dog"]


def test_the_summary_comes_from_the_first_window_that_says_something() -> None:
    _, second = clip_pair()
    alone, after = second.encode(parse("a dog")), second.encode(parse("BREAK a dog BREAK a cat"))
    assert alone.pooled is not None and after.pooled is not None
    assert torch.equal(alone.pooled, after.pooled)


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
def test_the_summary_never_sees_weights(weighting: str) -> None:
    _, second = clip_pair()
    plain, weighed = second.encode(parse("a red cat")), second.encode(parse("a (red:0.9) ((cat))"), weighting)
    assert plain.pooled is not None and weighed.pooled is not None
    assert torch.equal(plain.pooled, weighed.pooled)
    assert not torch.equal(plain.hidden, weighed.hidden)


def test_the_summary_of_a_plain_CLIPTextModel_is_the_state_at_the_end_mark() -> None:
    told = clip_encoder(TextEncoderLayer(pooled="eos")).encode(parse("a cat"))
    assert told.pooled is not None
    assert torch.equal(told.pooled, told.hidden[3])  # begin, a, cat, end


def test_asking_for_a_summary_the_model_lacks_names_the_model() -> None:
    with pytest.raises(EncodingError, match="is a CLIPTextModel, which gives no text_embeds"):
        clip_encoder(TextEncoderLayer(pooled="projected")).encode(parse("a cat"))


# Chunks: plain words, weights, BREAKs, commas, negative weights.
texts = st.lists(
    st.one_of(
        st.sampled_from(
            [*WORDS, ",", "BREAK", "(cat:1.3)", "[dog]", "(smoke:0.4)", "(hat:-0.8)", "(hat:-1)"]
        ),
        st.integers(20, 90).map(words),
    ),
    max_size=6,
).map(" ".join)


@settings(max_examples=25, deadline=None)
@given(st.lists(texts, min_size=1, max_size=4), st.sampled_from(sorted(WEIGHTINGS)))
def test_a_batch_of_any_lengths_equals_each_alone(batch: list[str], weighting: str) -> None:
    """Exactly: every window is its own pass of the text model, and padding is appended."""
    together = match_lengths([ENCODER.encode(parse(text), weighting) for text in batch])
    for text, told in zip(batch, together, strict=True):
        alone = ENCODER.encode(parse(text), weighting)
        assert torch.equal(told.hidden[: len(alone.hidden)], alone.hidden)
        padding = told.hidden[len(alone.hidden) :]
        assert torch.equal(padding, ENCODER.empty().hidden.repeat(told.windows - alone.windows, 1))
    assert len({told.windows for told in together}) == 1


ENCODER = clip_encoder()


@settings(max_examples=50, deadline=None)
@given(texts)
def test_no_token_of_a_text_is_lost(text: str) -> None:
    told = ENCODER.encode(parse(text))
    prompt = parse(text)
    tokenizer = ENCODER._tokenizer
    expected = [
        token
        for chunk in prompt.chunks
        if chunk.kind != "break"
        for token in tokenizer(chunk.text, add_special_tokens=False).input_ids
    ]
    chunks = told.tokens[0].chunks
    comma = ENCODER._reader.comma  # one goes with words that leave the text
    expected, read = (
        [token for token in tokens if token != comma]
        for tokens in (expected, [token for chunk in chunks for token in chunk.ids])
    )
    assert read == expected
    places = [place for chunk in chunks for place in chunk.places]
    assert len(set(places)) == len(places) and all(0 <= place < len(told.hidden) for place in places)
    # Words with negative weights stand in windows of their own; each kind keeps its order.
    for negative in (False, True):
        ordered = [place for chunk in chunks if (chunk.weight < 0) == negative for place in chunk.places]
        assert ordered == sorted(ordered)


def test_the_places_of_tokens_are_where_their_states_stand(encoder: TextEncoder) -> None:
    """The state of the last word of a text differs exactly at its place if the word does."""
    one, other = encoder.encode(parse("a red cat")), encoder.encode(parse("a red dog"))
    (place,) = one.tokens[0].chunks[0].places[-1:]
    differs = (one.hidden != other.hidden).any(dim=1).nonzero().flatten().tolist()
    assert differs[0] == place == 3


def test_unknown_words_are_named(encoder: TextEncoder) -> None:
    told = encoder.encode(parse("a red zebra, (smoke-free hat:1.2) Cat"))
    known = {word.text: word.known for chunk in told.tokens[0].chunks for word in chunk.words}
    assert known == {"a": True, "red": True, "zebra": False, "smoke-free": False, "hat": True, "Cat": True}
    assert [chunk.unknown for chunk in told.tokens[0].chunks] == [True, True, False]


def test_without_a_list_of_words_nobody_can_tell() -> None:
    (chunk,) = clip_encoder().encode(parse("a zebra")).tokens[0].chunks
    assert [word.known for word in chunk.words] == [None, None] and chunk.unknown is None


def test_words_have_their_place_in_the_source(encoder: TextEncoder) -> None:
    text = "a (red:1.3) cat, ((big hat))"
    spans = [word.span for chunk in encoder.encode(parse(text)).tokens[0].chunks for word in chunk.words]
    assert [text[start:end] for start, end in spans] == ["a", "red", "cat", "big", "hat"]


def test_tokens_are_told_as_ids_and_strings(encoder: TextEncoder) -> None:
    (chunk,) = encoder.encode(parse("a cat")).tokens[0].chunks
    assert chunk.tokens == ("a</w>", "cat</w>")
    assert list(chunk.ids) == encoder._tokenizer.convert_tokens_to_ids(list(chunk.tokens))


def test_a_mark_in_the_text_is_text(encoder: TextEncoder) -> None:
    """Nobody ends someone else's text by writing an end mark into it."""
    (chunk,) = encoder.encode(parse("cat <|endoftext|> dog", "plain")).tokens[0].chunks
    assert encoder._tokenizer.eos_token_id not in chunk.ids
    assert chunk.tokens[0] == "cat</w>" and chunk.tokens[-1] == "dog</w>"


def test_running_text_that_is_too_long_is_cut_and_the_words_are_named() -> None:
    encoder = t5_encoder(window=6)
    text = "a red (cat:1.2) on the beach, dog"
    told = encoder.encode(parse(text))
    assert told.hidden.shape == (6, 96)
    (finding,) = told.findings
    assert finding.code == "cut-words"
    assert finding.text == "text_encoder_3 reads 5 tokens; 3 more were cut: beach dog"
    assert finding.span is not None and text[slice(*finding.span)] == "beach, dog"
    assert told.tokens[0].cut == ("beach", "dog")


@pytest.mark.parametrize("number", ["1" + "0" * 60, "70000"])
def test_a_weight_that_is_too_large_is_an_error_that_says_where(number: str) -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1).half()
    with pytest.raises(EncodingError, match=r"of 'cat' \(characters 3 to 6\) is too large for text_encoder"):
        TextEncoder(tokenizer, model).encode(parse(f"a (cat:{number})"), "product")


def test_half_precision_stays_half_precision() -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1).to(torch.bfloat16)
    told = TextEncoder(tokenizer, model).encode(parse("a (cat:1.3)"))
    assert told.hidden.dtype == torch.bfloat16


def test_a_model_in_training_mode_is_refused() -> None:
    tokenizer = clip_tokenizer()
    with pytest.raises(EncodingError, match=r"call model\.eval\(\)"):
        TextEncoder(tokenizer, CLIPTextModel(clip_config(tokenizer)).train())


def test_facts_that_do_not_fit_the_tokenizer_are_refused() -> None:
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1)
    with pytest.raises(EncodingError, match="a window holds 75 tokens of text, not 76"):
        TextEncoder(tokenizer, model, EncoderFacts(chunk=76))


def test_a_tokenizer_without_places_is_refused() -> None:
    class Slow:
        is_fast = False

    with pytest.raises(EncodingError, match="Slow does not give the places of its tokens"):
        TextEncoder(Slow(), ENCODER._model.model)


def test_a_text_for_an_encoder_that_is_not_there_is_refused(encoder: TextEncoder) -> None:
    with pytest.raises(EncodingError, match="has 1 text model"):
        encoder.encode(parse("a cat"), others=[parse("a dog")])
    assert same(encoder.encode(parse("a cat"), others=[None]), encoder.encode(parse("a cat")))


def fingerprints() -> Iterator[str]:
    yield clip_encoder().fingerprint
    yield clip_encoder(TextEncoderLayer(skip=1)).fingerprint
    yield clip_encoder(words=frozenset(WORDS)).fingerprint
    yield clip_encoder(vectors={"style": torch.ones(1, 32)}).fingerprint
    yield clip_encoder(vectors={"style": torch.ones(2, 32)}).fingerprint
    yield clip_encoder(backtrack=0).fingerprint
    changed = clip_encoder()
    with torch.no_grad():
        changed._model.model.get_input_embeddings().weight[5, 5] += 0.25
    yield changed.fingerprint


def test_a_fingerprint_tells_encoders_apart_and_repeats() -> None:
    names = list(fingerprints())
    assert len(set(names)) == len(names)
    assert names == list(fingerprints())


def test_lengths_of_different_encoders_cannot_be_matched(encoder: TextEncoder) -> None:
    with pytest.raises(EncodingError, match="different encoders"):
        match_lengths([encoder.encode(parse("a")), t5_encoder().encode(parse("a"))])


def test_nothing_is_cut_to_match() -> None:
    told = ENCODER.encode(parse("a BREAK b"))
    with pytest.raises(EncodingError, match="2 windows cannot be brought to 1"):
        told.padded(1)
