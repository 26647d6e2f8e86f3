"""The conditioning of a negative that is None, "", " " or a text; None may also mean zeros."""

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
    """The conditioning of a negative; its `given` names the case.

    | negative | conditioning |
    |---|---|
    | None | by `absent`: the encoded empty prompt, zeros, or ("none") no conditioning |
    | `""` | the encoded empty prompt |
    | `" "` | the encoded blank; a text model that strips blanks makes the empty prompt of it |
    | a text | the encoded text |

    Whether guidance runs is not decided here, the scale does that. Where None is returned, a negative branch
    has no conditioning and cannot run.

    Args:
        encoder: the model's encoder.
        negative: what the first text model reads, or None.
        absent: the model's `ModelFacts.absent`.
        weighting: a name in `WEIGHTINGS`.
        others: texts of the further text models. If any is given, the text models without a text, the first
            included, read the empty prompt.

    Raises:
        EncodingError: as `Encoder.encode`.
    """
    if negative is not None:
        return encoder.encode(negative, weighting, others)
    if any(other is not None for other in others):
        return encoder.encode(Prompt((EMPTY,), "plain", ""), weighting, others)
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
        words=None,
        given="zeros",
    )
