"""Chroma: FLUX.1's transformer without distilled guidance, T5 alone, whose padding is masked."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, final

from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import t5, transformer
from negspace.models.architecture.transformers import PackedFlowTransformer, pack, token_positions, unpack
from negspace.models.lora.originals import CHROMA, LayerTable, numbered

if TYPE_CHECKING:
    from torch import Tensor


@final
class Chroma(PackedFlowTransformer):
    """An absent negative is the encoded empty prompt; a negative acts in a branch of its own."""

    name = "chroma"
    title = "Chroma"
    pipeline = "ChromaPipeline"
    text_encoders = (t5(1, 512, padding="masked"),)
    denoiser = transformer("transformer_chroma", "ChromaTransformer2DModel")
    must_match = ("in_channels", "joint_attention_dim")
    defaults = Defaults(steps=35, scale=5.0)

    def original_layers(self, settings: Mapping[str, Any], layers: Collection[str]) -> LayerTable:
        return numbered(CHROMA, layers)

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        tokens = pack(given.x)
        prediction = denoiser(
            hidden_states=tokens,
            timestep=given.times / 1000,
            encoder_hidden_states=given.hidden,
            txt_ids=given.x.new_zeros(given.hidden.shape[1], 3),
            img_ids=token_positions(given.x),
            attention_mask=_attention_mask(given, tokens.shape[1]),
            return_dict=False,
        )[0]
        return unpack(prediction, given.x.shape)


def _attention_mask(given: NetworkInput, picture_tokens: int) -> "Tensor":
    """[rows, tokens of both]: 1 for the text, one token of its padding, and the picture; 0 elsewhere.

    Chroma was trained with one token of padding. As in diffusers this is added to the scores.
    """
    assert given.mask is not None
    rows, text_tokens = given.mask.shape
    attended = given.x.new_zeros(rows, text_tokens + picture_tokens)
    attended[:, :text_tokens] = given.mask
    attended[:, 1:text_tokens] += given.mask[:, :-1] & ~given.mask[:, 1:]
    attended[:, text_tokens:] = 1
    return attended
