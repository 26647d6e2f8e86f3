"""Qwen-Image: a language model that reads a chat, and a transformer over text and picture in two streams."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.autoencoders import VIDEO
from negspace.models.architecture.family import Defaults
from negspace.models.architecture.parts import language_model, transformer
from negspace.models.architecture.transformers import RowByRowTransformer, pack, unpack
from negspace.models.files.source import ModelFolder

if TYPE_CHECKING:
    from torch import Tensor


_INSTRUCTION = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, "
    "spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n"
)
"""What the weights were trained to read before every text; its 34 tokens are not in the conditioning."""


@final
class QwenImage(RowByRowTransformer):
    """Without a negative there is one branch; with one, even an empty text, a token's length is kept."""

    name = "qwen-image"
    title = "Qwen-Image"
    pipeline = "QwenImagePipeline"
    text_encoders = (
        language_model(
            "qwen2_5_vl.modeling_qwen2_5_vl",
            "Qwen2_5_VLForConditionalGeneration",
            ("qwen2.tokenization_qwen2", "Qwen2Tokenizer"),
            window=512,
            special=5,
            norm="none",
            text="source",
            before="",
            after="<|im_end|>\n<|im_start|>assistant\n",
            instruction=_INSTRUCTION,
        ),
    )
    denoiser = transformer("transformer_qwenimage", "QwenImageTransformer2DModel")
    vae = VIDEO
    must_match = ("in_channels", "joint_attention_dim")
    defaults = Defaults(steps=50, scale=4.0)
    few_steps = 8

    def describe(self, folder: ModelFolder) -> ModelFacts:
        return replace(super().describe(folder), absent="none", rule="token_norm")

    def predict_row(self, denoiser: Any, x: "Tensor", time: "Tensor", hidden: "Tensor") -> "Tensor":
        prediction = denoiser(
            hidden_states=pack(x),
            timestep=time / 1000,
            encoder_hidden_states=hidden[None],
            img_shapes=[[(1, x.shape[-2] // 2, x.shape[-1] // 2)]],
            return_dict=False,
        )[0]
        return unpack(prediction, x.shape)
