"""What is told where nothing is to be avoided: None, "", " " and zeros are four different things."""

from collections.abc import Sequence
from dataclasses import replace

from negspace.encoding.base import Encoder
from negspace.encoding.conditioning import Conditioning
from negspace.facts import Absent
from negspace.prompt.tree import EMPTY, Prompt


def encode_negative(
    encoder: Encoder,
    negative: Prompt | None,
    absent: Absent,
    weighting: str = "a1111",
    others: Sequence[Prompt | None] = (),
) -> Conditioning | None:
    """The conditioning of a negative, told apart by its `given`.

    | given | means |
    |---|---|
    | None | what `absent` says: the encoded empty prompt, zeros, or ("none") no branch at all |
    | `""` | the encoded empty prompt |
    | `" "` | the blank as it is; a text model that strips blanks makes the empty prompt of it |
    | a text | the encoded text |

    Whether guidance runs is never decided here: that is the scale's business. None in return means that there
    is nothing a negative branch could be told, so none may run.

    Args:
        encoder: the model's encoder.
        negative: what the first text model reads, or None.
        absent: the model's `ModelFacts.absent`.
        weighting: a name in `WEIGHTINGS`.
        others: texts of the further text models. One of them alone is honoured: those without a text, the
            first among them, then read the empty prompt.

    Raises:
        EncodingError: as `Encoder.encode`.
    """
    if negative is not None:
        return encoder.encode(negative, weighting, others)
    if any(other is not None for other in others):
        nothing = Prompt((EMPTY,), "plain", "")
        return encoder.encode(nothing, weighting, others)
    match absent:
        case "empty":
            return encoder.empty()
        case "zeros":
            return zeros(encoder.empty())
        case "none":
            return None


def zeros(like: Conditioning) -> Conditioning:
    """Zeros in the shape of a conditioning, padded with zeros."""
    return replace(
        like,
        hidden=like.hidden.new_zeros(like.hidden.shape),
        pooled=None if like.pooled is None else like.pooled.new_zeros(like.pooled.shape),
        empty=like.empty.new_zeros(like.empty.shape),
        value_scale=None,
        given="zeros",
    )
