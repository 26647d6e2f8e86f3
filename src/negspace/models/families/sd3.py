"""Stable Diffusion 3 and 3.5: two CLIPs side by side, T5 behind them, a transformer with joint attention."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.flow import dynamic_shift, token_count
from negspace.models.architecture.parts import ModelPart, clip, t5
from negspace.models.architecture.unets import few_steps
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost

_READ = 256
"""Tokens that T5 reads."""


@final
class StableDiffusion3(Family):
    """An absent negative is the encoded empty prompt. T5 may be left out; zeros then stand in its place."""

    name = "sd3"
    title = "Stable Diffusion 3 and 3.5"
    pipeline = "StableDiffusion3Pipeline"
    text_encoders = (
        clip(1, projecting=True, skip=1, norm="none", pooled="projected"),
        clip(2, projecting=True, skip=1, norm="none", pooled="projected"),
        t5(3, _READ, optional=True),
    )
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.transformer_sd3", "SD3Transformer2DModel"
    )
    must_match = ("in_channels", "joint_attention_dim", "pooled_projection_dim")
    lora_mixin = "SD3LoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        network, vae = folder.settings("transformer"), folder.settings("vae")
        side = int(network.get("sample_size", 128)) * self.vae.pixels_per_latent(vae)
        few = few_steps(folder.name)
        return ModelFacts(
            **chosen(
                folder,
                width=side,
                height=side,
                steps=4 if few else 28,
                scale=1.0 if few else 7.0,
                sampler="Euler",
            ),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            rules=rules_for("cross-attention"),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=self.vae.pixels_per_latent(vae) * int(network.get("patch_size", 2)),
        )

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import EndToEnd, SideBySide, TrailingZeros

        beside = SideBySide(encoders[:2])
        if len(encoders) == 3:
            return EndToEnd(beside, encoders[2])
        return TrailingZeros(beside, _READ, settings["joint_attention_dim"])

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return Spacing(dynamic_shift(settings, token_count(shape), highest=1.16))

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        return denoiser(
            hidden_states=inputs.x,
            timestep=inputs.times,
            encoder_hidden_states=inputs.hidden,
            pooled_projections=inputs.pooled,
            return_dict=False,
        )[0]

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.joint_attention import JointPatchHost, plain

        return JointPatchHost([block.attn for block in denoiser.transformer_blocks], name, plain)
