"""FLUX.1 dev and schnell: T5 for the words, CLIP for a summary, guidance distilled into the weights."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.flow import even_spacing, pack, token_count, token_positions, unpack
from negspace.models.architecture.parts import ModelPart, clip, t5
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing
from negspace.request import Request

if TYPE_CHECKING:
    from torch import Tensor

    from negspace.encoding import Encoder, TextEncoder
    from negspace.models.network.patching import PatchHost


@final
class Flux(Family):
    """Without a negative there is one branch. dev is told its guidance as a number, schnell takes 4 steps.

    A negative branch ("true CFG") is a second pass that the weights were not trained for.
    """

    name = "flux"
    title = "FLUX.1"
    pipeline = "FluxPipeline"
    text_encoders = (clip(1, pooled="eos"), t5(2, 512))
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.transformer_flux", "FluxTransformer2DModel"
    )
    must_match = ("in_channels", "joint_attention_dim", "pooled_projection_dim", "guidance_embeds")
    lora_mixin = "FluxLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        network, vae = folder.settings("transformer"), folder.settings("vae")
        has_guidance = bool(network.get("guidance_embeds", False))
        side = 128 * self.vae.pixels_per_latent(vae)
        return ModelFacts(
            **chosen(
                folder, width=side, height=side, steps=28 if has_guidance else 4, scale=1.0, sampler="Euler"
            ),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", True)),
            absent="none",
            rules=rules_for("cross-attention"),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=2 * self.vae.pixels_per_latent(vae),
            guidance=float(folder.negspace_json.get("default", {}).get("guidance", 3.5))
            if has_guidance
            else None,
        )

    def join_encoders(self, encoders: "Sequence[TextEncoder]", settings: dict[str, Any]) -> "Encoder":
        from negspace.encoding import PooledAndTokens

        return PooledAndTokens(*encoders)

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return even_spacing(settings, steps, token_count(shape))

    def numbers(
        self, request: Request, facts: ModelFacts, width: int, height: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        if facts.guidance is None:
            return (), ()
        guidance = (facts.guidance if request.guidance is None else request.guidance,)
        return guidance, guidance

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        prediction = denoiser(
            hidden_states=pack(inputs.x),
            timestep=inputs.times / 1000,
            guidance=None if inputs.numbers is None else inputs.numbers[:, 0],
            pooled_projections=inputs.pooled,
            encoder_hidden_states=inputs.hidden,
            txt_ids=inputs.x.new_zeros(inputs.hidden.shape[1], 3),
            img_ids=token_positions(inputs.x),
            return_dict=False,
        )[0]
        return unpack(prediction, inputs.x.shape)

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.joint_attention import JointPatchHost, rotated

        single = [block.attn for block in denoiser.single_transformer_blocks]
        return JointPatchHost(
            [*(block.attn for block in denoiser.transformer_blocks), *single], name, rotated
        )
