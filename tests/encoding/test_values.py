"""Negative weights inside a prompt: the values of the words change sign, their keys do not."""

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as attention

from negspace.encoding import match_lengths, scale_values, scaled, stack_scales
from negspace.errors import EncodingError
from negspace.prompt import parse
from tests.encoding.tiny import clip_encoder
from tests.networks import small_unet

ENCODER = clip_encoder()


def test_attention_with_turned_values_by_hand() -> None:
    """Two tokens looked at alike, values 1 and 3: together 2; with the second turned (1 - 3) / 2 = -1."""
    query, keys = torch.zeros(1, 1, 1), torch.zeros(1, 2, 1)
    values, scale = torch.tensor([[[1.0], [3.0]]]), torch.tensor([[1.0, -1.0]])
    assert attention(query, keys, values).item() == pytest.approx(2.0)
    assert attention(query, keys, scale_values(values, scale)).item() == pytest.approx(-1.0)


def test_words_with_a_negative_weight_leave_the_text_and_are_told_apart() -> None:
    told = ENCODER.encode(parse("a cat, (smoke:-1) house"))
    assert (told.windows, told.negative_windows) == (2, 1)
    assert torch.equal(told.hidden[:77], ENCODER.encode(parse("a cat, house")).hidden)
    assert torch.equal(told.hidden[77:], ENCODER.encode(parse("smoke")).hidden)
    assert told.value_scale is not None
    assert told.value_scale.tolist() == [1.0] * 78 + [-1.0] * 76  # the begin mark sees no word


def test_how_much_a_negative_word_is_told_is_in_its_state() -> None:
    """As NegPiP: key and value both have the size of the weight, the value alone its sign."""
    for weighting in ("a1111", "lerp", "compel", "product"):
        negative = ENCODER.encode(parse("a cat (smoke:-1.4)"), weighting)
        positive = ENCODER.encode(parse("(smoke:1.4)"), weighting)
        assert torch.equal(negative.hidden[77:], positive.hidden)


def test_the_summary_is_that_of_the_text_without_the_negative_words() -> None:
    from tests.encoding.tiny import clip_pair

    second = clip_pair()[1]
    with_word, without = second.encode(parse("a cat (smoke:-1)")), second.encode(parse("a cat"))
    assert with_word.pooled is not None and without.pooled is not None
    assert torch.equal(with_word.pooled, without.pooled)


def test_without_negative_words_there_is_nothing_to_scale() -> None:
    assert ENCODER.encode(parse("a (cat:0.1) (dog:0)")).value_scale is None


def test_padding_to_a_common_length_keeps_its_sign() -> None:
    short, long = ENCODER.encode(parse("a (smoke:-1)")), ENCODER.encode(parse("a BREAK b BREAK c"))
    padded, _ = match_lengths([short, long])
    assert padded.value_scale is not None
    assert padded.value_scale.tolist() == [1.0] * 78 + [-1.0] * 76 + [1.0] * 77


def test_many_negative_words_fill_windows_of_their_own() -> None:
    told = ENCODER.encode(parse(f"a cat ({'smoke ' * 80}:-1)"))
    assert (told.windows, told.negative_windows) == (3, 2)
    assert told.value_scale is not None and int((told.value_scale < 0).sum()) == 2 * 76


def test_a_projection_is_scaled_only_while_it_lasts() -> None:
    projection = torch.nn.Linear(4, 6, bias=False)
    tokens = torch.randn(2, 3, 4)
    scale = torch.tensor([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]])
    before = projection(tokens)
    with scaled([projection], scale):
        during = projection(tokens)
    assert torch.equal(during, before * scale[:, :, None])
    assert torch.equal(projection(tokens), before)
    with pytest.raises(ZeroDivisionError), scaled([projection], scale):
        raise ZeroDivisionError
    assert torch.equal(projection(tokens), before)


def test_no_scale_leaves_the_projection_alone() -> None:
    projection = torch.nn.Linear(4, 4)
    with scaled([projection], None):
        assert not projection._forward_hooks


def test_a_scale_for_other_rows_is_an_error() -> None:
    with pytest.raises(EncodingError, match=r"values for \(2, 3\) .* scale for \(1, 3\)"):
        scale_values(torch.ones(2, 3, 4), torch.ones(1, 3))


def test_rows_without_a_scale_get_ones() -> None:
    one = torch.tensor([1.0, -1.0])
    stacked = stack_scales([None, one], 2)
    assert stacked is not None and stacked.tolist() == [[1.0, 1.0], [1.0, -1.0]]
    assert stack_scales([None, None], 2) is None


def test_a_network_of_diffusers_can_be_told() -> None:
    """The interface for the model layer, on a real UNet: only a row whose values are turned changes."""
    torch.manual_seed(0)
    unet = small_unet().eval()
    projections = [module for name, module in unet.named_modules() if name.endswith("attn2.to_v")]
    told, empty = match_lengths([ENCODER.encode(parse("a cat (smoke:-1)")), ENCODER.empty()])
    latents = torch.randn(1, 4, 8, 8).repeat(2, 1, 1, 1)
    hidden = torch.stack([told.hidden, empty.hidden])

    def answer(scale: torch.Tensor | None) -> torch.Tensor:
        with torch.no_grad(), scaled(projections, scale):
            return unet(latents, 500, hidden).sample

    plain, turned = answer(None), answer(stack_scales([told.value_scale, None], len(told.hidden)))
    assert len(projections) == 4
    assert not torch.equal(plain[0], turned[0])
    assert torch.equal(plain[1], turned[1])  # the other row has nothing to turn
    assert torch.equal(plain, answer(torch.ones(2, len(told.hidden))))
