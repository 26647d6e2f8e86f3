"""The base of the families with a UNet."""

from abc import ABC
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.facts import ModelFacts
from negspace.guidance.branch import Need
from negspace.models.architecture.family import Family, rules_for
from negspace.models.architecture.parts import ModelPart
from negspace.models.architecture.scheduler_settings import prediction_of, sampler_of
from negspace.models.files.few_steps import KINDS
from negspace.models.files.source import ModelFolder
from negspace.models.lora.originals import LayerTable, unet_layers
from negspace.models.samplers import SAMPLERS

if TYPE_CHECKING:
    from negspace.models.network.patching import PatchHost


class UNetFamily(Family, ABC):
    """A UNet with cross-attention, whose attention patches can change."""

    denoiser = ModelPart("unet", "diffusers.models.unets.unet_2d_condition", "UNet2DConditionModel")
    must_match = ("in_channels", "out_channels", "cross_attention_dim")

    def describe(self, folder: ModelFolder) -> ModelFacts:
        unet = folder.settings("unet")
        if unet.get("time_cond_proj_dim") is not None:
            raise ModelError(
                f"{folder.name} is told its guidance with the time (time_cond_proj_dim), as full models of "
                "LCM are, which is not carried out; a LoRA of LCM on its base model does the same"
            )
        pixels = self.vae.pixels_per_latent(folder.settings("vae"))
        sample = unet.get("sample_size") or 64
        height, width = (sample, sample) if isinstance(sample, int) else sample
        return ModelFacts(
            folder.name,
            prediction=prediction_of(folder),
            swaps=True,
            rules=rules_for(*_attentions(unet)),
            samplers=tuple(SAMPLERS),
            sampler=sampler_of(folder),
            multiple=pixels
            * 2 ** (len(unet["block_out_channels"]) - 1),  # a latent at the bottom of the UNet
            width=width * pixels,
            height=height * pixels,
        )

    def steps_of(self, kind: str) -> int:
        return KINDS[kind].steps

    def original_layers(self, settings: Mapping[str, Any], layers: Collection[str]) -> LayerTable:
        return unet_layers(layers, settings["layers_per_block"])

    def patch_host(self, denoiser: Any, name: str) -> "PatchHost":
        from negspace.models.network.patching import UNetPatchHost

        return UNetPatchHost(denoiser, name)


def _attentions(unet: dict[str, Any]) -> list[Need]:
    """The attentions of a UNet with these settings that rules can change."""
    blocks = (*unet["down_block_types"], *unet["up_block_types"])
    middle = unet.get("mid_block_type", "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn"
    if not middle and not any("CrossAttn" in block for block in blocks):
        return []
    attentions: list[Need] = ["cross-attention", "self-attention"]
    if middle and not unet.get("only_cross_attention", False):
        attentions.append("mid self-attention")
    return attentions
