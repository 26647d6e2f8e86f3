"""Sana: a language model that reads the prompt after an instruction, deep latents, linear attention."""

from collections.abc import Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts, TextEncoderLayer
from negspace.models.architecture.autoencoders import DEEP_COMPRESSION
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.parts import ModelPart, TextPart
from negspace.models.architecture.unets import few_steps
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder


@final
class Sana(Family):
    """An absent negative is the encoded empty prompt. What is avoided is read without the instruction."""

    name = "sana"
    title = "Sana"
    pipeline = "SanaPipeline"
    text_encoders = (
        TextPart(
            "text_encoder",
            "transformers.models.gemma2.modeling_gemma2",
            "Gemma2Model",
            "tokenizer",
            ("transformers.models.gemma.tokenization_gemma", "GemmaTokenizer"),
            window=300,
            layer=TextEncoderLayer(padding="masked", text="lowered", after=""),
        ),
    )
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.sana_transformer", "SanaTransformer2DModel"
    )
    vae = DEEP_COMPRESSION
    must_match = ("in_channels", "out_channels", "caption_channels")
    lora_mixin = "SanaLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        network, vae = folder.settings("transformer"), folder.settings("vae")
        side = int(network.get("sample_size", 32)) * self.vae.pixels_per_latent(vae)
        few = few_steps(folder.name)
        euler = "FlowMatchEuler" in str(folder.scheduler.get("_class_name"))
        return ModelFacts(
            **chosen(
                folder,
                width=side,
                height=side,
                steps=4 if few else 20,
                scale=1.0 if few else 4.5,
                sampler="Euler" if euler else "DPM++ 2M",
            ),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            rules=rules_for(),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=self.vae.pixels_per_latent(vae) * int(network.get("patch_size", 1)),
        )

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from diffusers.pipelines.sana.pipeline_sana import SanaPipeline

        from negspace.encoding import InstructedEncoder

        # The weights were trained to read it before every prompt, to the letter.
        lines = signature(SanaPipeline.__call__).parameters["complex_human_instruction"].default
        return InstructedEncoder(encoders[0], "\n".join(lines))

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        prediction = denoiser(
            inputs.x,
            encoder_hidden_states=inputs.hidden,
            encoder_attention_mask=inputs.mask,
            timestep=inputs.times * denoiser.config.timestep_scale,
            return_dict=False,
        )[0]
        return prediction[:, : inputs.x.shape[1]]  # behind it stands what it learned of its spread
