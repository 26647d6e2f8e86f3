"""A tiny checkpoint of every family: the real classes, random weights, in the real layout."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    T5Config,
    T5EncoderModel,
)

from negspace.models.architecture.transformers import pack, unpack
from negspace.plugins import modules_in
from tests.encoding.tiny import clip_config, clip_tokenizer, stirred, t5_tokenizer
from tests.families import stand_ins
from tests.networks import small_unet

STEPS = 3
SIZE = 64
LANGUAGE: dict[str, Any] = {"hidden_size": 32, "intermediate_size": 64, "num_key_value_heads": 2}
"""What the language models that read prompts have in common."""


@dataclass(frozen=True)
class Tiny:
    """How a family's checkpoint is made, and how its pipeline of diffusers is asked.

    Attributes:
        make: the pipeline, with random weights.
        own: the content of its `negspace.json`.
        told: what its pipeline calls the scale.
        packed: whether its pipeline wants latents as tokens.
        more: other arguments of its pipeline.
        less: what its pipeline's scale is less than ours.
    """

    make: Callable[[], Any]
    own: dict[str, Any]
    told: str = "guidance_scale"
    packed: bool = False
    more: dict[str, Any] | None = None
    less: float = 0.0

    def save(self, folder: Path) -> None:
        """Write the checkpoint."""
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what another library warns of is not under test
            torch.manual_seed(20)
            pipeline = self.make()
        pipeline.save_pretrained(folder)
        default = {"steps": STEPS, "width": SIZE, "height": SIZE}
        (folder / "negspace.json").write_text(json.dumps({"default": default, **self.own}))

    def ask(
        self, pipeline: Any, negative: str | None, scale: float, latents: Tensor, **fields: Any
    ) -> Tensor:
        """[1, channels, height, width] latents that the pipeline of diffusers makes."""
        latents = latents[None]
        given = pack(latents) if self.packed else latents
        made = pipeline(
            "a red cat, snow",
            **({} if negative is None else {"negative_prompt": negative}),
            num_inference_steps=STEPS,
            latents=given,
            output_type="latent",
            width=SIZE,
            height=SIZE,
            **{self.told: scale - self.less},
            **(self.more or {}),
            **fields,
        ).images
        return unpack(made, latents.shape) if self.packed else made

    def decoded(self, pipeline: Any, latents: Tensor) -> list[Any]:
        """The pictures of latents, as the pipeline of diffusers decodes them."""
        config = pipeline.vae.config
        with torch.no_grad():
            if "temperal_downsample" in config:  # made for films: latents of one frame
                mean, spread = (
                    torch.tensor(config[name]).view(1, -1, 1, 1) for name in ("latents_mean", "latents_std")
                )
                picture = pipeline.vae.decode((latents * spread + mean)[:, :, None]).sample[:, :, 0]
            else:
                told = latents / config.scaling_factor + (config.get("shift_factor") or 0.0)
                picture = pipeline.vae.decode(told).sample
            return pipeline.image_processor.postprocess(picture)


def vae(channels: int = 4, **other: Any) -> Any:
    """8 pixels a latent."""
    kind: Any = AutoencoderKL
    return kind(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=channels,
        norm_num_groups=4,
        sample_size=SIZE,
        **other,
    )


def t5(width: int = 96) -> Any:
    """A T5 encoder of this width."""
    config = T5Config(
        vocab_size=512,
        d_model=width,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        is_encoder_decoder=False,
    )
    return stirred(T5EncoderModel(config), 3)


def clip(kind: Any = CLIPTextModel, width: int = 32, seed: int = 1, pad: str = "<|endoftext|>") -> Any:
    """A CLIP text encoder of this class and width."""
    return stirred(kind(clip_config(clip_tokenizer(pad), width)), seed)


def sd2() -> Any:
    """Stable Diffusion 2 at 768 pixels: v-prediction, and a text encoder of OpenCLIP's."""
    pipeline = sd()
    flowing: dict[str, Any] = {"prediction_type": "v_prediction"}
    pipeline.scheduler = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config, **flowing)
    config = clip_config(clip_tokenizer(), hidden_act="gelu")
    pipeline.register_modules(scheduler=pipeline.scheduler, text_encoder=stirred(CLIPTextModel(config), 8))
    return pipeline


def sd() -> Any:
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

    parts: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
    whole: Any = StableDiffusionPipeline
    return whole(
        vae=vae(),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        unet=small_unet(),
        scheduler=DPMSolverMultistepScheduler(beta_schedule="scaled_linear", beta_end=0.012, steps_offset=1),
        requires_safety_checker=False,
        **parts,
    )


def sdxl() -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    kind: Any = UNet2DConditionModel
    unet = kind(
        sample_size=8,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 2),
        cross_attention_dim=72,
        attention_head_dim=8,
        norm_num_groups=8,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
    )
    whole: Any = StableDiffusionXLPipeline
    return whole(
        vae=vae(scaling_factor=0.13025),
        text_encoder=clip(),
        text_encoder_2=clip(CLIPTextModelWithProjection, 40, 2, "!"),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer("!"),
        unet=unet,
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_end=0.012, steps_offset=1),
        add_watermarker=False,
    )


def sd3() -> Any:
    from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
    from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import StableDiffusion3Pipeline

    kind: Any = SD3Transformer2DModel
    transformer = kind(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=96,
        caption_projection_dim=32,
        pooled_projection_dim=48,
        pos_embed_max_size=16,
        dual_attention_layers=(0,),
        qk_norm="rms_norm",
    )
    whole: Any = StableDiffusion3Pipeline
    return whole(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(scaling_factor=1.5, shift_factor=0.06, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip(CLIPTextModelWithProjection),
        tokenizer=clip_tokenizer(),
        text_encoder_2=clip(CLIPTextModelWithProjection, 40, 2, "!"),
        tokenizer_2=clip_tokenizer("!"),
        text_encoder_3=t5(),
        tokenizer_3=t5_tokenizer(),
    )


def flux(guided: bool = True) -> Any:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
    from diffusers.pipelines.flux.pipeline_flux import FluxPipeline

    kind: Any = FluxTransformer2DModel
    transformer = kind(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=96,
        pooled_projection_dim=32,
        guidance_embeds=guided,
        axes_dims_rope=(4, 6, 6),
    )
    shifting: dict[str, Any] = {
        "use_dynamic_shifting": True,
        "base_shift": 0.5,
        "max_shift": 1.15,
        "shift": 3.0,
    }
    whole: Any = FluxPipeline
    return whole(
        scheduler=FlowMatchEulerDiscreteScheduler(**shifting),
        vae=vae(scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=clip(),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
        transformer=transformer,
    )


def chroma() -> Any:
    from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel
    from diffusers.pipelines.chroma.pipeline_chroma import ChromaPipeline

    kind: Any = ChromaTransformer2DModel
    transformer = kind(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=96,
        axes_dims_rope=(4, 6, 6),
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=64,
    )
    whole: Any = ChromaPipeline
    return whole(
        scheduler=FlowMatchEulerDiscreteScheduler(use_beta_sigmas=True),
        vae=vae(scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )


def pixart(sigma: bool) -> Any:
    from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_alpha import PixArtAlphaPipeline
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline

    kind: Any = PixArtTransformer2DModel
    transformer = kind(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=4,
        out_channels=8,
        num_layers=1,
        cross_attention_dim=24,
        sample_size=8 if sigma else 128,
        patch_size=2,
        caption_channels=96,
    )
    whole: Any = PixArtSigmaPipeline if sigma else PixArtAlphaPipeline
    return whole(
        scheduler=DPMSolverMultistepScheduler(beta_schedule="scaled_linear", beta_end=0.012),
        vae=vae(),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=transformer,
    )


def deep_vae() -> Any:
    """8 pixels a latent, of the kind of Sana's."""
    from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC

    kind: Any = AutoencoderDC
    blocks: dict[str, Any] = {}
    for side in ("encoder", "decoder"):
        blocks |= {
            f"{side}_block_types": ("ResBlock", "ResBlock", "ResBlock", "EfficientViTBlock"),
            f"{side}_block_out_channels": (8, 8, 8, 8),
            f"{side}_layers_per_block": (1, 1, 1, 1),
            f"{side}_qkv_multiscales": ((), (), (), (5,)),
        }
    return kind(
        latent_channels=4,
        attention_head_dim=4,
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        scaling_factor=0.41407,
        **blocks,
    )


def gemma_tokenizer() -> Any:
    """One token for each of WORDS with the blank before it; other text falls into letters."""
    from transformers import GemmaTokenizer

    from tests.encoding.tiny import WORDS

    merges = [(f"▁{word[:i]}", word[i]) for word in WORDS for i in range(len(word))]
    pieces = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "\n", "▁", *map(chr, range(33, 127))]
    pieces += [left + right for left, right in merges]
    kind: Any = GemmaTokenizer
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    return kind(vocab=vocabulary, merges=list(dict.fromkeys(merges)), add_bos_token=True)


def sana() -> Any:
    from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
    from diffusers.pipelines.sana.pipeline_sana import SanaPipeline
    from transformers import Gemma2Config, Gemma2Model

    tokenizer = gemma_tokenizer()
    text = Gemma2Config(
        vocab_size=len(tokenizer),
        num_hidden_layers=2,
        num_attention_heads=4,
        head_dim=8,
        query_pre_attn_scalar=8,
        **LANGUAGE,
    )
    kind: Any = SanaTransformer2DModel
    transformer = kind(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=12,
        num_layers=2,
        num_cross_attention_heads=2,
        cross_attention_head_dim=12,
        cross_attention_dim=24,
        caption_channels=32,
        sample_size=8,
    )
    flowing: dict[str, Any] = {
        "prediction_type": "flow_prediction",
        "use_flow_sigmas": True,
        "flow_shift": 3.0,
    }
    whole: Any = SanaPipeline
    return whole(
        scheduler=DPMSolverMultistepScheduler(**flowing),
        vae=deep_vae(),
        text_encoder=stirred(Gemma2Model(text), 6),
        tokenizer=tokenizer,
        transformer=transformer,
    )


CHAT = (
    "{% for said in messages %}<|im_start|>{{ said.role }}\n{{ said.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


_SPEAKERS = ("assistant", "user", "system", "Describe")
_ASKED = (
    "the image by detailing color shape size texture quantity text spatial relationships of objects and "
    "background"
).split()


def chat_tokenizer() -> Any:
    """Letters, a chat's marks, and as one token each its speakers and what Qwen-Image asks of a picture."""
    from tokenizers import pre_tokenizers
    from transformers import Qwen2Tokenizer

    merges = [(word[:i], word[i]) for word in _SPEAKERS for i in range(1, len(word))]
    merges += [(f"Ġ{word[:i]}", word[i]) for word in _ASKED for i in range(len(word))]
    merges = list(dict.fromkeys(merges))
    pieces = ["<|endoftext|>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    pieces += [left + right for left, right in merges]
    kind: Any = Qwen2Tokenizer
    tokenizer = kind(vocab={piece: i for i, piece in enumerate(dict.fromkeys(pieces))}, merges=merges)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = CHAT
    return tokenizer


def z_image() -> Any:
    from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
    from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = chat_tokenizer()
    text = Qwen3Config(
        vocab_size=len(tokenizer), num_hidden_layers=3, num_attention_heads=4, head_dim=8, **LANGUAGE
    )
    kind: Any = ZImageTransformer2DModel
    transformer = kind(
        in_channels=4,
        dim=48,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=32,
        axes_dims=[8, 8, 8],
        axes_lens=[640, 32, 32],
    )
    with torch.no_grad():  # made empty, for checkpoints to fill
        for token in (transformer.x_pad_token, transformer.cap_pad_token):
            token.normal_()
    whole: Any = ZImagePipeline
    return whole(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=vae(scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=stirred(Qwen3Model(text), 5),
        tokenizer=tokenizer,
        transformer=transformer,
    )


def film_vae() -> Any:
    """8 pixels a latent, of the kind of Qwen-Image's."""
    from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage

    kind: Any = AutoencoderKLQwenImage
    return kind(
        base_dim=8,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=[0.1, -0.2, 0.3, 0.0],
        latents_std=[1.5, 0.8, 1.0, 2.0],
    )


def qwen_image() -> Any:
    from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
    from diffusers.pipelines.qwenimage.pipeline_qwenimage import QwenImagePipeline
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = chat_tokenizer()
    size = {"num_attention_heads": 2, **LANGUAGE}
    rope = {"mrope_section": [2, 3, 3], "rope_type": "default", "rope_theta": 10000.0}
    tokens = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    several: dict[str, Any] = {name: len(tokenizer) + i for i, name in enumerate(tokens)}
    text = Qwen2_5_VLConfig(
        text_config={
            **size,
            "num_hidden_layers": 2,
            "rope_parameters": rope,
            "vocab_size": len(tokenizer) + len(tokens),
        },
        vision_config={
            "depth": 1,
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": 32,
        },
        **several,
    )
    kind: Any = QwenImageTransformer2DModel
    transformer = kind(
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=(4, 6, 6),
    )
    shifting: dict[str, Any] = {
        "use_dynamic_shifting": True,
        "base_shift": 0.5,
        "max_shift": 0.9,
        "max_image_seq_len": 8192,
        "shift_terminal": 0.02,
    }
    whole: Any = QwenImagePipeline
    return whole(
        scheduler=FlowMatchEulerDiscreteScheduler(**shifting),
        vae=film_vae(),
        text_encoder=stirred(Qwen2_5_VLForConditionalGeneration(text), 7),
        tokenizer=tokenizer,
        transformer=transformer,
    )


_AS_ASKED = {"use_resolution_binning": False, "clean_caption": False}

TINY: dict[str, Tiny] = {
    "sd": Tiny(sd, {}),
    "sdxl": Tiny(sdxl, {}),
    "sd3": Tiny(sd3, {}),
    "flux": Tiny(flux, {"distilled": False}, told="true_cfg_scale", packed=True),
    "chroma": Tiny(chroma, {}, packed=True),
    "pixart-alpha": Tiny(lambda: pixart(False), {}, more=_AS_ASKED),
    "z-image": Tiny(z_image, {}, less=1.0),
    "pixart-sigma": Tiny(lambda: pixart(True), {}, more=_AS_ASKED),
    "qwen-image": Tiny(qwen_image, {}, told="true_cfg_scale", packed=True),
    "sana": Tiny(sana, {}, more=_AS_ASKED),
}
"""Every family by name. A family without one fails its laws."""

for _module in modules_in(stand_ins):
    TINY |= _module.STAND_INS
