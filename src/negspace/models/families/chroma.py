"""Chroma: FLUX.1's transformer without distilled guidance, T5 alone, whose padding is masked."""

from typing import TYPE_CHECKING, Any, final

from negspace.facts import ModelFacts
from negspace.models.architecture.family import Family, NetworkInput, chosen, rules_for
from negspace.models.architecture.flow import even_spacing, pack, token_count, token_positions, unpack
from negspace.models.architecture.parts import ModelPart, t5
from negspace.models.files.source import ModelFolder
from negspace.models.samplers import FLOW_SAMPLERS, Spacing

if TYPE_CHECKING:
    from torch import Tensor


@final
class Chroma(Family):
    """An absent negative is the encoded empty prompt; a negative acts in a branch of its own."""

    name = "chroma"
    title = "Chroma"
    pipeline = "ChromaPipeline"
    text_encoders = (t5(1, 512, padding="masked"),)
    denoiser = ModelPart(
        "transformer", "diffusers.models.transformers.transformer_chroma", "ChromaTransformer2DModel"
    )
    must_match = ("in_channels", "joint_attention_dim")
    lora_mixin = "FluxLoraLoaderMixin"

    def describe(self, folder: ModelFolder) -> ModelFacts:
        vae = folder.settings("vae")
        side = 128 * self.vae.pixels_per_latent(vae)
        folder.settings("transformer")
        return ModelFacts(
            **chosen(folder, width=side, height=side, steps=35, scale=5.0, sampler="Euler"),
            family=self.name,
            prediction="flow",
            encoders=self.encoder_facts(folder),
            distilled=bool(folder.negspace_json.get("distilled", False)),
            rules=rules_for(),
            samplers=tuple(FLOW_SAMPLERS),
            multiple=2 * self.vae.pixels_per_latent(vae),
        )

    def spacing(self, settings: dict[str, Any], steps: int, shape: tuple[int, int, int]) -> Spacing:
        return even_spacing(settings, steps, token_count(shape))

    def predict(self, denoiser: Any, inputs: NetworkInput) -> "Tensor":
        tokens = pack(inputs.x)
        return unpack(
            denoiser(
                hidden_states=tokens,
                timestep=inputs.times / 1000,
                encoder_hidden_states=inputs.hidden,
                txt_ids=inputs.x.new_zeros(inputs.hidden.shape[1], 3),
                img_ids=token_positions(inputs.x),
                attention_mask=_attended(inputs, tokens),
                return_dict=False,
            )[0],
            inputs.x.shape,
        )


def _attended(inputs: NetworkInput, tokens: "Tensor") -> "Tensor":
    """[rows, tokens of both]: 1 for the text, one token of its padding, and the picture; 0 elsewhere.

    Chroma was trained with one token of padding. As in diffusers this is added to the scores.
    """
    assert inputs.mask is not None
    seen = inputs.x.new_zeros(inputs.mask.shape[0], inputs.mask.shape[1] + tokens.shape[1])
    seen[:, : inputs.mask.shape[1]] = inputs.mask
    seen[:, 1 : inputs.mask.shape[1]] += inputs.mask[:, :-1] & ~inputs.mask[:, 1:]
    seen[:, inputs.mask.shape[1] :] = 1
    return seen
