"""PixArt alpha and sigma: T5 alone, whose padding is masked, and a transformer with cross-attention."""

from abc import ABC
from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.parts import ModelPart, t5
from negspace.models.architecture.unets import few_steps, prediction_of, sampler_of
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import SAMPLERS

if TYPE_CHECKING:
    from torch import Tensor


class PixArt(Family, ABC):
    """An absent negative is the encoded empty prompt. Texts are read in lower case."""

    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.pixart_transformer_2d", "PixArtTransformer2DModel"
    )
    must_match = ("in_channels", "out_channels", "caption_channels")

    def describe(self, folder: ModelFolder) -> ModelFacts:
        network, vae = folder.settings("transformer"), folder.settings("vae")
        side = int(network["sample_size"]) * self.vae.pixels_per_latent(vae)
        few = few_steps(folder.name)
        return ModelFacts(
            **chosen(
                folder,
                width=side,
                height=side,
                steps=4 if few else 20,
                scale=1.0 if few else 4.5,
                sampler=sampler_of(folder),
            ),
            family=self.name,
            prediction=prediction_of(folder),
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", few)),
            rules=rules_for(),
            samplers=tuple(SAMPLERS),
            multiple=self.vae.pixels_per_latent(vae) * int(network.get("patch_size", 2)),
        )

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        rows, channels, height, width = inputs.x.shape
        besides: dict[str, Any] = {"resolution": None, "aspect_ratio": None}
        if denoiser.config.sample_size == 128:  # alpha at 1024 pixels is told its size, of 8 pixels a latent
            side = inputs.x.new_tensor([[8.0 * height, 8.0 * width]])
            besides = {
                "resolution": side.repeat(rows, 1),
                "aspect_ratio": inputs.x.new_full((rows, 1), height / width),
            }
        prediction = denoiser(
            inputs.x,
            encoder_hidden_states=inputs.hidden,
            encoder_attention_mask=inputs.mask,
            timestep=inputs.times,
            added_cond_kwargs=besides,
            return_dict=False,
        )[0]
        return prediction[:, :channels]  # behind it stands what it learned of its spread


@final
class PixArtAlpha(PixArt):
    """Texts of 120 tokens."""

    name = "pixart-alpha"
    title = "PixArt alpha"
    pipeline = "PixArtAlphaPipeline"
    text_encoders = (t5(1, 120, padding="masked", text="lowered"),)


@final
class PixArtSigma(PixArt):
    """Texts of 300 tokens."""

    name = "pixart-sigma"
    title = "PixArt sigma"
    pipeline = "PixArtSigmaPipeline"
    text_encoders = (t5(1, 300, padding="masked", text="lowered"),)
