"""A weight is a weight: 0 is the absence of the words, and effects grow from there without a jump."""

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.encoding import WEIGHTINGS, Conditioning, Encoder, EndToEnd, SideBySide, match_lengths
from negspace.encoding.presence import layers, presence
from negspace.facts import PUBLISHED_WEIGHTINGS
from negspace.prompt import parse
from tests.encoding.tiny import clip_encoder, clip_pair, t5_encoder

POSITIVE = [0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.5, 2, 3]
NEGATIVE = [-0.0001, -0.001, -0.01, -0.05, -0.1, -0.3, -0.5, -0.7, -0.9, -1, -1.2, -1.5, -2]
FRAMES = ["a snowman, night ({})", "({})", "a red house, ({}), big dog", "a cat, ({} boat)", "a BREAK ({}) b"]


@cache
def encoder(kind: str) -> Encoder:
    pair = SideBySide(clip_pair())
    made: dict[str, Encoder] = {
        "sd": clip_encoder(),
        "sdxl": pair,
        "sd3": EndToEnd(pair, t5_encoder(layer=None)),
        "t5": t5_encoder(),
    }
    return made[kind]


def weighed(frame: str, weight: float, kind: str, weighting: str) -> Conditioning:
    text = frame.replace("{})", f"hat:{weight:.6f})").replace("{} boat)", f"hat boat:{weight:.6f})")
    return encoder(kind).encode(parse(text), weighting)


def attention(told: Conditioning, seed: int = 0) -> torch.Tensor:
    """What some queries find in a conditioning: softmax(q·k + log|s|) sign(s) v."""
    generator = torch.Generator().manual_seed(seed)
    width = told.hidden.shape[1]
    query, key, value = (torch.randn(size, width, generator=generator) for size in (16, width, width))
    hidden = told.hidden / told.hidden.norm(dim=1, keepdim=True)
    scores = query @ (hidden @ key).T / width**0.5 + told.scale.abs().log()
    return scores.softmax(1) @ (told.scale.sign()[:, None] * (hidden @ value))


def distances(frame: str, kind: str, weighting: str, weights: list[float]) -> list[float]:
    """From the absence of the words: of states and attention together, in the order of the weights."""
    absent = weighed(frame, 0.0, kind, weighting)
    seen = [weighed(frame, weight, kind, weighting) for weight in weights]
    return [float((attention(told) - attention(absent)).norm()) for told in seen]


kinds = st.sampled_from(["sd", "sdxl", "sd3"])
weightings = st.sampled_from(sorted(WEIGHTINGS))


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(FRAMES), kinds, weightings)
def test_a_weight_of_0_is_the_text_without_the_words(frame: str, kind: str, weighting: str) -> None:
    told = weighed(frame, 0.0, kind, weighting)
    bare = frame.replace(", ({} boat)", "").replace("({}), ", "").replace("({})", "")
    absent = encoder(kind).encode(parse(bare), weighting)
    assert torch.equal(told.hidden, absent.hidden) and told.value_scale is None
    assert (told.pooled is None and absent.pooled is None) or torch.equal(told.pooled, absent.pooled)  # type: ignore[arg-type]
    assert told.windows == absent.windows and told.given == absent.given
    assert torch.equal(told.word_shares, absent.word_shares)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(FRAMES), kinds, weightings)
def test_states_grow_with_a_positive_weight(frame: str, kind: str, weighting: str) -> None:
    """From nothing, without a jump. As published compel's rule dips above 0.3, by the encoder's chance."""
    absent = weighed(frame, 0.0, kind, weighting)
    slack = 1.05 if weighting == "compel" else 1.001
    clip = len(absent.hidden) - absent.tail
    sizes = [
        float((weighed(frame, weight, kind, weighting).hidden - absent.hidden)[:clip].norm())
        for weight in POSITIVE
    ]
    assert sizes[0] < 1e-3 * sizes[-1]
    assert all(first < second * slack for first, second in zip(sizes, sizes[1:], strict=False)), sizes


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(FRAMES), kinds, weightings)
def test_attention_grows_with_a_negative_weight_up_to_1(frame: str, kind: str, weighting: str) -> None:
    sizes = distances(frame, kind, weighting, [weight for weight in NEGATIVE if weight >= -1])
    assert sizes[0] < 1e-3 * sizes[-1]
    assert all(first < second for first, second in zip(sizes, sizes[1:], strict=False)), sizes


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(FRAMES),
    st.sampled_from(["sd", "sdxl", "t5"]),
    weightings,
    st.floats(-1.5, 1.5),
    st.floats(0, 1),
)
def test_effects_are_continuous(frame: str, kind: str, weighting: str, weight: float, pooled: float) -> None:
    near = [weighed(frame, round(weight, 4) + step, kind, weighting) for step in (0.0, 1e-5)]
    assert (attention(near[0]) - attention(near[1])).abs().max() < 1e-2


def test_the_summary_fades_with_the_word() -> None:
    second = clip_pair()[1]
    told = [
        second.encode(parse(f"a cat (hat:{weight})")).pooled for weight in (0, 0.0001, 0.2, 0.5, 0.9, 1.5)
    ]
    sizes = [float((summary - told[0]).norm()) for summary in told]  # type: ignore[operator]
    assert sizes[1] < 1e-3 * sizes[-1] and sizes == sorted(sizes) and sizes[-1] == sizes[-2]


def test_several_small_weights_by_hand() -> None:
    """p = 3/4 and 7/16 of the words of weights f/2 and f/4: two layers with words and one without."""
    least = PUBLISHED_WEIGHTINGS["lerp"].least
    shares = [presence(weight, "lerp") for weight in (least / 2, 1.0, least / 4, 0.0, -0.5, -2.0)]
    assert shares == pytest.approx([0.75, 1.0, 0.4375, 0.0, 0.5, 1.0])
    assert layers([1.0, 0.75, 0.25]) == [
        (0.25, (True, True, True)),
        (0.5, (True, True, False)),
        (0.25, (True, False, False)),
    ]
    assert layers([0.0]) == [(1.0, (False,))] and layers([1.0, 1.0]) == [(1.0, (True, True))]


@pytest.mark.parametrize("weighting", sorted(WEIGHTINGS))
def test_from_its_floor_on_a_rule_is_as_published(weighting: str) -> None:
    """One layer: the states of the window are exactly what the rule makes of them."""
    least = PUBLISHED_WEIGHTINGS[weighting].least
    assert presence(least, weighting) == 1.0 and presence(least - 1e-6, weighting) == pytest.approx(1.0)
    assert presence(-1.0, weighting) == 1.0 == presence(1.0, weighting)


def test_words_that_begin_a_window_of_their_own_begin_it_softly() -> None:
    full = "cat " * 75
    told, absent = (encoder("sd").encode(parse(f"{full}({text})")) for text in ("hat:0.0001", "hat:0"))
    assert (told.windows, absent.windows) == (2, 1)
    assert torch.allclose(attention(told), attention(absent), atol=1e-2)
    other, empty = match_lengths([told, encoder("sd").empty()])
    assert torch.allclose(attention(empty), attention(encoder("sd").empty()), atol=1e-2)
    assert float(other.scale[77:].abs().max()) < 1e-3


def test_a_word_of_small_weight_is_a_word_to_a_small_share() -> None:
    """Rules that read the words alone find each where it stands, and as much of it."""
    told = encoder("sd").encode(parse("(hat:0.45), cat"))
    share = presence(0.45, "a1111")
    assert told.word_shares[1:5].tolist() == pytest.approx([1.0, share, share, 0.0])
