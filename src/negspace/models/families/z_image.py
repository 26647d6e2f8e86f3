"""Z-Image: a language model that reads a chat, and a transformer over text and picture in one stream."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, final

from negspace.models.architecture.family import Defaults
from negspace.models.architecture.parts import language_model, transformer
from negspace.models.architecture.transformers import RowByRowTransformer
from negspace.models.lora.originals import Z_IMAGE, LayerTable, numbered

if TYPE_CHECKING:
    from torch import Tensor


@final
class ZImage(RowByRowTransformer):
    """An absent negative is the encoded empty prompt, in its chat.

    diffusers writes its guidance as d_c + g (d_c - d_n); here as everywhere the scale is g + 1.
    """

    name = "z-image"
    title = "Z-Image"
    pipeline = "ZImagePipeline"
    text_encoders = (
        language_model(
            "qwen3.modeling_qwen3",
            "Qwen3Model",
            ("qwen2.tokenization_qwen2", "Qwen2Tokenizer"),
            window=512,
            special=8,
            skip=1,
            norm="none",
            text="source",
            before="<|im_start|>user\n",
            after="<|im_end|>\n<|im_start|>assistant\n",
        ),
    )
    denoiser = transformer("transformer_z_image", "ZImageTransformer2DModel")
    must_match = ("in_channels", "cap_feat_dim")
    defaults = Defaults(steps=50, scale=5.0)
    few_steps = 9

    def original_layers(self, settings: Mapping[str, Any], layers: Collection[str]) -> LayerTable:
        return numbered(Z_IMAGE, layers)

    def predict_row(self, denoiser: Any, x: "Tensor", time: "Tensor", hidden: "Tensor") -> "Tensor":
        clock = (1000 - time) / 1000  # it counts from noise to picture, and predicts in that direction
        return -denoiser([x[0][:, None]], clock, [hidden], return_dict=False)[0][0][None, :, 0]
