"""FLUX.1 dev and schnell: T5 for the words, CLIP for a summary, guidance distilled into the weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Defaults, NetworkInput
from negspace.models.architecture.parts import clip, t5, transformer
from negspace.models.architecture.transformers import PackedFlowTransformer, pack, token_positions, unpack
from negspace.models.files.source import ModelFolder
from negspace.request import Request

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost


@final
class Flux(PackedFlowTransformer):
    """Without a negative there is one branch. dev takes its guidance as a number, schnell takes 4 steps.

    A negative branch ("true CFG") is a second pass that the weights were not trained for.
    """

    name = "flux"
    title = "FLUX.1"
    pipeline = "FluxPipeline"
    text_encoders = (clip(1, pooled="eos"), t5(2, 512))
    denoiser = transformer("transformer_flux", "FluxTransformer2DModel")
    must_match = ("in_channels", "joint_attention_dim", "pooled_projection_dim", "guidance_embeds")
    lora_mixin = "FluxLoraLoaderMixin"
    attentions = ("cross-attention",)
    trained_pixels = (100_000, 2_100_000)  # 0.1 to 2 megapixels, as its makers say
    trained_aspect = 4.0

    def describe(self, folder: ModelFolder) -> ModelFacts:
        guidance = 3.5 if _takes_guidance(folder) else None
        return replace(super().describe(folder), absent="none", guidance=guidance)

    def defaults_of(self, folder: ModelFolder) -> Defaults:
        return Defaults(steps=28 if _takes_guidance(folder) else 4, scale=1.0, distilled=True)

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import PooledAndTokens

        return PooledAndTokens(*encoders)

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        if facts.guidance is None:
            return (), ()
        guidance = (facts.guidance if request.guidance is None else request.guidance,)
        return guidance, guidance

    def predict(self, denoiser: Any, given: NetworkInput) -> "Tensor":
        prediction = denoiser(
            hidden_states=pack(given.x),
            timestep=given.times / 1000,
            guidance=None if given.numbers is None else given.numbers[:, 0],
            pooled_projections=given.pooled,
            encoder_hidden_states=given.hidden,
            txt_ids=given.x.new_zeros(given.hidden.shape[1], 3),
            img_ids=token_positions(given.x),
            return_dict=False,
        )[0]
        return unpack(prediction, given.x.shape)

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.joint_attention import JointPatchHost, with_rotary_positions

        blocks = (*denoiser.transformer_blocks, *denoiser.single_transformer_blocks)
        return JointPatchHost([block.attn for block in blocks], name, with_rotary_positions)


def _takes_guidance(folder: ModelFolder) -> bool:
    return bool(folder.settings("transformer").get("guidance_embeds", False))
