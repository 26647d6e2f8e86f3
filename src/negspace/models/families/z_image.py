"""Z-Image: a language model that reads a chat, and a transformer over text and picture in one stream."""

from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts, TextEncoderLayer
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.flow import even_spacing, token_count
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.architecture.unets import few_steps
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing

if TYPE_CHECKING:
    from torch import Tensor


@final
class ZImage(Family):
    """An absent negative is the encoded empty prompt, in its chat.

    diffusers writes its guidance as d_c + g (d_c - d_n); here as everywhere the scale is g + 1. Texts are of
    their own length, so rows go through the network one at a time: none depends on the length of another.
    """

    name = "z-image"
    title = "Z-Image"
    pipeline = "ZImagePipeline"
    text_encoders = (
        TextPart(
            "text_encoder",
            "transformers.models.qwen3.modeling_qwen3",
            "Qwen3Model",
            "tokenizer",
            ("transformers.models.qwen2.tokenization_qwen2", "Qwen2Tokenizer"),
            window=512,
            layer=TextEncoderLayer(
                skip=1,
                norm="none",
                padding="masked",
                text="source",
                before="<|im_start|>user\n",
                after="<|im_end|>\n<|im_start|>assistant\n",
            ),
            special_tokens=8,
        ),
    )
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.transformer_z_image", "ZImageTransformer2DModel"
    )
    must_match = ("in_channels", "cap_feat_dim")
    lora_mixin = "ZImageLoraLoaderMixin"

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
                steps=9 if few else 50,
                scale=1.0 if few else 5.0,
                sampler="Euler",
            ),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            rules=rules_for(),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=2 * self.vae.pixels_per_latent(vae),
        )

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return even_spacing(settings, steps, token_count(shape))

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        assert inputs.mask is not None
        clock = (1000 - inputs.times) / 1000  # it counts from noise to picture, and answers so
        prediction = inputs.x.new_empty(inputs.x.shape)
        for i, (x, hidden, mask) in enumerate(zip(inputs.x, inputs.hidden, inputs.mask, strict=True)):
            answer = denoiser([x[:, None]], clock[i : i + 1], [hidden[mask]], return_dict=False)[0]
            prediction[i] = -answer[0][:, 0]
        return prediction
