"""Which settings a single file gets, by what it holds, under the names of its makers and of diffusers."""

from pathlib import Path

import pytest

from negspace.errors import ModelError
from negspace.models.files.headers import TensorHeader
from negspace.models.files.layouts import LAYOUTS, layout_of

ATTENTION = "transformer_blocks.0.attn2.to_k.weight"
SD = {"input_blocks.0.0.weight": (320, 4, 3, 3), "out.2.weight": (4, 320, 3, 3)}
DIFFUSERS_SD = {"conv_in.weight": (320, 4, 3, 3), f"mid_block.attentions.0.{ATTENTION}": (1280, 768)}
FLUX = {"double_blocks.0.img_attn.qkv.weight": (9216, 3072), "vector_in.in_layer.weight": (3072, 768)}
SD3 = {"joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536)}
Z_IMAGE = {"cap_pad_token": (1, 3840), "noise_refiner.0.attention.qkv.weight": (11520, 3840)}


@pytest.mark.parametrize(
    ("shapes", "name", "home"),
    [
        (SD | {f"input_blocks.1.1.{ATTENTION}": (320, 768)}, "a", "stable-diffusion-v1-5"),
        (SD | {f"input_blocks.1.1.{ATTENTION}": (320, 1024)}, "a", "stable-diffusion-2-1"),
        (DIFFUSERS_SD, "a", "stable-diffusion-v1-5"),
        (DIFFUSERS_SD | {"add_embedding.linear_1.weight": (1280, 2816)}, "a", "stable-diffusion-xl-base-1.0"),
        (FLUX, "a", "FLUX.1-schnell"),
        (FLUX | {"guidance_in.in_layer.weight": (3072, 256)}, "a", "FLUX.1-dev"),
        (FLUX | {"distilled_guidance_layer.in_proj.weight": (5120, 64)}, "a", "Chroma1-HD"),
        (SD3, "a", "stable-diffusion-3-medium-diffusers"),
        (SD3 | {"joint_blocks.0.x_block.attn.ln_q.weight": (64,)}, "a", "stable-diffusion-3.5-medium"),
        (
            SD3 | {f"joint_blocks.{block}.x_block.attn.ln_q.weight": (64,) for block in (0, 37)},
            "a",
            "stable-diffusion-3.5-large",
        ),
        (Z_IMAGE, "z_image_turbo_bf16", "Z-Image-Turbo"),
        (Z_IMAGE, "my-z-image-turbo-merge", "Z-Image"),
        ({"transformer_blocks.0.img_mod.1.weight": (9, 9)}, "a", "Qwen-Image"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "diffusion_model.", "model.diffusion_model."])
def test_a_file_gets_the_settings_of_what_it_is(
    shapes: dict[str, tuple[int, ...]], name: str, home: str, prefix: str
) -> None:
    held = {prefix + key: TensorHeader("F16", shape) for key, shape in shapes.items()}
    layout = layout_of(held)
    assert layout is not None
    assert layout.hub_id(Path(f"{name}.safetensors"), held, {}).rpartition("/")[2] == home


def test_a_refiner_has_no_home() -> None:
    (sdxl,) = (
        layout for layout in LAYOUTS if layout.family == "sdxl" and "label_emb.0.0.weight" in layout.marks
    )
    held = {"conditioner.embedders.0.model.ln_final.weight": TensorHeader("F16", (1280,))}
    with pytest.raises(ModelError, match="is a refiner"):
        sdxl.hub_id(Path("refiner.safetensors"), held, {})
