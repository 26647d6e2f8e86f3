"""Qwen-Image: a language model that reads a chat, and a transformer over text and picture in two streams."""

from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts, TextEncoderLayer
from negspace.models.architecture.autoencoders import VIDEO
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.flow import even_spacing, pack, token_count, unpack
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.architecture.unets import few_steps
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing

if TYPE_CHECKING:
    from torch import Tensor


_CHAT = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, "
    "spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n"
)
"""What the weights were trained to read before every text; the network is not told its 34 tokens."""


@final
class QwenImage(Family):
    """Without a negative there is one branch; with one, even an empty text, a token's length is kept.

    Texts are of their own length, so rows go through the network one at a time: none depends on the length of
    another.
    """

    name = "qwen-image"
    title = "Qwen-Image"
    pipeline = "QwenImagePipeline"
    text_encoders = (
        TextPart(
            "text_encoder",
            "transformers.models.qwen2_5_vl.modeling_qwen2_5_vl",
            "Qwen2_5_VLForConditionalGeneration",
            "tokenizer",
            ("transformers.models.qwen2.tokenization_qwen2", "Qwen2Tokenizer"),
            window=512,
            layer=TextEncoderLayer(
                norm="none",
                padding="masked",
                text="source",
                before="",
                after="<|im_end|>\n<|im_start|>assistant\n",
                instruction=_CHAT,
            ),
            special_tokens=5,
        ),
    )
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.transformer_qwenimage", "QwenImageTransformer2DModel"
    )
    vae = VIDEO
    must_match = ("in_channels", "joint_attention_dim")
    lora_mixin = "QwenImageLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        vae = folder.settings("vae")
        folder.settings("transformer")
        side = 128 * self.vae.pixels_per_latent(vae)
        few = few_steps(folder.name)
        return ModelFacts(
            **chosen(
                folder,
                width=side,
                height=side,
                steps=8 if few else 50,
                scale=1.0 if few else 4.0,
                sampler="Euler",
            ),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            absent="none",
            rule="token_norm",
            rules=rules_for(),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=2 * self.vae.pixels_per_latent(vae),
        )

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return even_spacing(settings, steps, token_count(shape))

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        assert inputs.mask is not None
        height, width = inputs.x.shape[-2] // 2, inputs.x.shape[-1] // 2
        prediction = inputs.x.new_empty(inputs.x.shape)
        for i, (hidden, mask) in enumerate(zip(inputs.hidden, inputs.mask, strict=True)):
            row = inputs.x[i : i + 1]
            answer = denoiser(
                hidden_states=pack(row),
                timestep=inputs.times[i : i + 1] / 1000,
                encoder_hidden_states=hidden[mask][None],
                img_shapes=[[(1, height, width)]],
                return_dict=False,
            )[0]
            prediction[i] = unpack(answer, row.shape)[0]
        return prediction
