"""Sana: a language model that reads the prompt after an instruction, deep latents, linear attention."""

from collections.abc import Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.autoencoders import DEEP_COMPRESSION
from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import language_model, transformer
from negspace.models.architecture.transformers import FlowTransformer
from negspace.models.files.source import ModelFolder

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder


@final
class Sana(FlowTransformer):
    """An absent negative is the encoded empty prompt. What is avoided is read without the instruction."""

    name = "sana"
    title = "Sana"
    pipeline = "SanaPipeline"
    text_encoders = (
        language_model(
            "gemma2.modeling_gemma2",
            "Gemma2Model",
            ("gemma.tokenization_gemma", "GemmaTokenizer"),
            window=300,
            text="lowered",
            after="",
        ),
    )
    denoiser = transformer("sana_transformer", "SanaTransformer2DModel")
    vae = DEEP_COMPRESSION
    must_match = ("in_channels", "out_channels", "caption_channels")
    sample_size = 32
    patch_size = 1
    defaults = Defaults(steps=20, scale=4.5)
    few_steps = 4

    def describe(self, folder: ModelFolder) -> ModelFacts:
        euler = "FlowMatchEuler" in str(folder.scheduler.get("_class_name"))
        return replace(super().describe(folder), sampler="Euler" if euler else "DPM++ 2M")

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from diffusers.pipelines.sana.pipeline_sana import SanaPipeline

        from negspace.encoding import InstructedEncoder

        # The weights were trained to read it before every prompt, to the letter.
        lines = signature(SanaPipeline.__call__).parameters["complex_human_instruction"].default
        return InstructedEncoder(encoders[0], "\n".join(lines))

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        prediction = denoiser(
            given.x,
            encoder_hidden_states=given.hidden,
            encoder_attention_mask=given.mask,
            timestep=given.times * denoiser.config.timestep_scale,
            return_dict=False,
        )[0]
        return prediction[:, : given.x.shape[1]]  # the channels behind are the variance that it learned
