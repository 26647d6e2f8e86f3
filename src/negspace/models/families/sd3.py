"""Stable Diffusion 3 and 3.5: two CLIPs side by side, T5 behind them, a transformer with joint attention."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import clip, t5, transformer
from negspace.models.architecture.transformers import FlowTransformer, dynamic_shift, token_count
from negspace.models.lora.originals import LayerTable, sd3_layers
from negspace.models.samplers import Spacing

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost

_T5_TOKENS = 256
"""Tokens that T5 reads."""


@final
class StableDiffusion3(FlowTransformer):
    """An absent negative is the encoded empty prompt. T5 may be left out; zeros then stand in its place."""

    name = "sd3"
    title = "Stable Diffusion 3 and 3.5"
    pipeline = "StableDiffusion3Pipeline"
    text_encoders = (
        clip(1, projecting=True, skip=1, norm="none", pooled="projected"),
        clip(2, projecting=True, skip=1, norm="none", pooled="projected"),
        t5(3, _T5_TOKENS, optional=True),
    )
    denoiser = transformer("transformer_sd3", "SD3Transformer2DModel")
    must_match = ("in_channels", "joint_attention_dim", "pooled_projection_dim")
    attentions = ("cross-attention",)
    defaults = Defaults(steps=28, scale=7.0)
    few_steps = 4

    def original_layers(self, settings: Mapping[str, Any], layers: Collection[str]) -> LayerTable:
        return sd3_layers(layers, settings["num_layers"])

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import EndToEnd, SideBySide, TrailingZeros

        clips = SideBySide(encoders[:2])
        if len(encoders) == 3:
            return EndToEnd(clips, encoders[2])
        return TrailingZeros(clips, _T5_TOKENS, settings["joint_attention_dim"])

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return Spacing(dynamic_shift(settings, token_count(shape), highest=1.16))

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        return denoiser(
            hidden_states=given.x,
            timestep=given.times,
            encoder_hidden_states=given.hidden,
            pooled_projections=given.pooled,
            return_dict=False,
        )[0]

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.joint_attention import JointPatchHost, without_positions

        return JointPatchHost([block.attn for block in denoiser.transformer_blocks], name, without_positions)
