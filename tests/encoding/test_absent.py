"""None, "", " " and zeros: four negatives, kept apart to the tensor, none of which turns guidance on."""

import pytest
import torch

from negspace.encoding import (
    Conditioning,
    Encoder,
    EndToEnd,
    SideBySide,
    encode_negative,
    match_lengths,
    zeros,
)
from negspace.facts import Absent
from negspace.prompt import parse
from tests.encoding.tiny import clip_encoder, clip_pair, t5_encoder

SD1 = clip_encoder()
SDXL = SideBySide(clip_pair())
SD3 = EndToEnd(SDXL, t5_encoder())
LANGUAGE = t5_encoder(layer=None)
FAMILIES: list[tuple[Encoder, Absent]] = [(SD1, "empty"), (SDXL, "zeros"), (SD3, "empty"), (LANGUAGE, "none")]
NAMES = ["sd", "sdxl", "sd3", "flux"]


def told(encoder: Encoder, negative: str | None, absent: Absent) -> Conditioning | None:
    return encode_negative(encoder, None if negative is None else parse(negative, "plain"), absent)


@pytest.mark.parametrize(("encoder", "absent"), FAMILIES, ids=NAMES)
def test_the_empty_text_is_encoded_whatever_an_absent_one_means(encoder: Encoder, absent: Absent) -> None:
    empty = told(encoder, "", absent)
    assert empty is not None and empty.given == "empty"
    assert torch.equal(empty.hidden, encoder.empty().hidden)


@pytest.mark.parametrize(("encoder", "absent"), FAMILIES, ids=NAMES)
def test_a_blank_stays_a_blank(encoder: Encoder, absent: Absent) -> None:
    """These tokenizers strip blanks, so the tensors are those of "", but nobody is told that nothing was
    written."""
    blank = told(encoder, " ", absent)
    assert blank is not None and blank.given == "blank"
    assert torch.equal(blank.hidden, encoder.empty().hidden)


@pytest.mark.parametrize(("encoder", "absent"), FAMILIES, ids=NAMES)
def test_a_text_is_a_text(encoder: Encoder, absent: Absent) -> None:
    text = told(encoder, "smoke", absent)
    assert text is not None and text.given == "text"
    assert not torch.equal(text.hidden, encoder.empty().hidden)


def test_an_absent_negative_of_sd_is_the_empty_prompt() -> None:
    absent = told(SD1, None, "empty")
    assert absent is not None and torch.equal(absent.hidden, SD1.empty().hidden)


def test_an_absent_negative_of_sdxl_is_zeros_and_so_is_its_padding() -> None:
    absent = told(SDXL, None, "zeros")
    assert absent is not None and absent.given == "zeros"
    assert absent.pooled is not None
    assert not absent.hidden.any() and not absent.pooled.any()
    assert absent.hidden.shape == (77, 72) and absent.pooled.shape == (24,)
    padded, _ = match_lengths([absent, SDXL.encode(parse("a BREAK b"))])
    assert padded.hidden.shape == (154, 72) and not padded.hidden.any()


def test_an_absent_negative_where_there_is_no_branch_stays_absent() -> None:
    """Nothing comes back that a branch could be run with, so none is run by accident."""
    assert told(LANGUAGE, None, "none") is None


def test_all_four_are_different_on_sdxl() -> None:
    kinds = [told(SDXL, negative, "zeros") for negative in (None, "", " ", "smoke")]
    assert [kind.given for kind in kinds if kind is not None] == ["zeros", "empty", "blank", "text"]


def test_a_second_negative_alone_is_honoured() -> None:
    """`negative_prompt_2` without `negative_prompt`: the first encoder is told "", not zeros."""
    first, second = clip_pair()
    alone = encode_negative(SDXL, None, "zeros", others=[parse("smoke")])
    assert alone is not None and alone.given == "text"
    assert torch.equal(alone.hidden[:, :32], first.empty().hidden)
    assert torch.equal(alone.hidden[:, 32:], second.encode(parse("smoke")).hidden)
    pooled = second.encode(parse("smoke")).pooled
    assert alone.pooled is not None and pooled is not None and torch.equal(alone.pooled, pooled)


def test_a_third_negative_alone_is_honoured() -> None:
    alone = encode_negative(SD3, None, "empty", others=[None, parse("smoke")])
    assert alone is not None
    assert torch.equal(alone.hidden[:77], SD3.empty().hidden[:77])
    assert torch.equal(alone.hidden[77:], SD3.encode(parse("smoke")).hidden[77:])


def test_zeros_keep_the_shape() -> None:
    text = SD1.encode(parse("a BREAK b"))
    none = zeros(text)
    assert none.hidden.shape == text.hidden.shape and none.windows == text.windows
