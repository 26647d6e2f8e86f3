"""Kinds of files that people open, each written by hand around a stand-in, and what comes of it.

`docs/files.md` is this table: a test opens every kind and holds it to its result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tests.model_files import quantising
from tests.model_files.original import State, flux_whole, original, tensors, write_state

Opening = dict[str, Any]
"""What is opened: "place", and other arguments of `negspace.load`."""

_BODY = "model.diffusion_model."
_GUIDED = "single_blocks.0"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: as its users call it.
        family: of the stand-in.
        write: (its folder, an empty folder) to (what is opened, what the same picture comes from).
        refused: the sentence of the error, after the name of the file; "" where it opens.
    """

    name: str
    family: str
    write: Callable[[Path, Path], tuple[Opening, Opening]]
    refused: str = ""


def alone(
    change: Callable[[State], State], family: str = "sd"
) -> Callable[[Path, Path], tuple[Opening, Opening]]:
    """A file in the original layout, changed; its pictures are those of the folder."""

    def write(folder: Path, empty: Path) -> tuple[Opening, Opening]:
        file = write_state(change(original(family, folder)), empty / "mine.safetensors")
        return {"place": file, "config": folder}, {"place": folder}

    return write


def quantised(
    way: quantising.Way, family: str, prefix: str = ""
) -> Callable[[Path, Path], tuple[Opening, Opening]]:
    """A file whose linear layers are kept in few bits, and one of what they then are."""

    def write(folder: Path, empty: Path) -> tuple[Opening, Opening]:
        kept, read = quantising.quantised(original(family, folder), way, prefix)
        if way is quantising.old_fp8:
            kept["scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)
        file, plain = (
            write_state(one, empty / name)
            for one, name in ((kept, "mine.safetensors"), (read, "plain.safetensors"))
        )
        return {"place": file, "config": folder}, {"place": plain, "config": folder}

    return write


def _gguf(folder: Path, empty: Path) -> tuple[Opening, Opening]:
    read = quantising.write_gguf(original("flux", folder), empty / "mine.gguf")
    plain = write_state(read, empty / "plain.safetensors")
    return {"place": empty / "mine.gguf", "config": folder}, {"place": plain, "config": folder}


def _whole_flux(folder: Path, empty: Path) -> tuple[Opening, Opening]:
    file = write_state(flux_whole(folder), empty / "mine.safetensors")
    return {"place": file, "config": folder}, {"place": folder}


def _diffusers(part: str) -> Callable[[Path, Path], tuple[Opening, Opening]]:
    def write(folder: Path, empty: Path) -> tuple[Opening, Opening]:
        file = write_state(tensors(folder / part), empty / "mine.safetensors")
        return {"place": file, "config": folder}, {"place": folder}

    return write


def _held(state: State) -> Callable[[Path, Path], tuple[Opening, Opening]]:
    """A file with these tensors and nothing else."""

    def write(folder: Path, empty: Path) -> tuple[Opening, Opening]:
        return {"place": write_state(state, empty / "mine.safetensors"), "config": folder}, {}

    return write


def _bits_folder(folder: Path, empty: Path) -> tuple[Opening, Opening]:
    """A folder whose denoiser bitsandbytes keeps in 4 bits, and one of what it then is."""
    import json
    import shutil

    whole = tensors(folder / "unet")
    for name, state in zip(("four", "read"), quantising.quantised(whole, quantising.nf4), strict=True):
        copy = Path(shutil.copytree(folder, empty / name))
        (file,) = (copy / "unet").glob("*.safetensors")
        write_state(state, file)
    config = empty / "four" / "unet" / "config.json"
    told = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    config.write_text(json.dumps(json.loads(config.read_text()) | {"quantization_config": told}))
    return {"place": empty / "four"}, {"place": empty / "read"}


def bare(state: State) -> State:
    """Without what stands before the names of a denoiser."""
    return {name.removeprefix(_BODY): value for name, value in state.items()}


def with_training(state: State) -> State:
    """With what trainers leave in their files, whole numbers among it."""
    ema = {
        f"model_ema.{name.removeprefix('model.').replace('.', '')}": value for name, value in state.items()
    }
    counters = {"model_ema.num_updates": torch.tensor(7, dtype=torch.int32), "global_step": torch.tensor(9)}
    buffers = {
        name: torch.ones(10) for name in ("betas", "alphas_cumprod", "sqrt_recipm1_alphas_cumprod", "logvar")
    }
    places = {"cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None]}
    return state | ema | counters | {"epoch": torch.tensor(3)} | buffers | places


def _wider(entry: str, channels: int) -> Callable[[State], State]:
    def change(state: State) -> State:
        shape = list(state[entry].shape)
        shape[1] = channels
        return state | {entry: torch.zeros(shape)}

    return change


def _same(state: State) -> State:
    return state


ZERO: Tensor = torch.zeros(2, 2)
_FP8 = ("float8 with a scale, as ComfyUI first wrote it", "float8 with a scale, as ComfyUI writes it now")

KINDS: tuple[Kind, ...] = (
    Kind("SD: EMA weights, counters, buffers of training, `position_ids`", "sd", alone(with_training)),
    Kind(
        "SD: the UNet alone, without a prefix",
        "sd",
        alone(lambda s: bare({n: v for n, v in s.items() if n.startswith(_BODY)})),
    ),
    Kind("SD: the UNet alone, under the names of diffusers", "sd", _diffusers("unet")),
    Kind(
        "SD: no VAE in the file",
        "sd",
        alone(lambda s: {n: v for n, v in s.items() if "first_stage" not in n}),
    ),
    Kind(
        "SD for inpainting, 9 channels",
        "sd",
        alone(_wider(f"{_BODY}input_blocks.0.0.weight", 9)),
        "takes 9 channels, and its config 4: it is a model for inpainting or editing",
    ),
    Kind("SDXL under the makers' names", "sdxl", alone(_same, "sdxl")),
    Kind("SDXL: the UNet alone, under the names of diffusers", "sdxl", _diffusers("unet")),
    Kind(
        "SDXL's refiner",
        "sdxl",
        alone(
            lambda s: {
                n.replace("embedders.1", "embedders.0"): v for n, v in s.items() if "embedders.0" not in n
            },
            "sdxl",
        ),
        "is a refiner, which finishes pictures and begins none",
    ),
    Kind("SD3: without a prefix", "sd3", alone(bare, "sd3")),
    Kind("SD3: the transformer alone, under the names of diffusers", "sd3", _diffusers("transformer")),
    Kind("FLUX.1 as Comfy-Org ships it: text encoders with a projection, VAE", "flux", _whole_flux),
    Kind("FLUX.1: the transformer alone", "flux", alone(_same, "flux")),
    Kind("FLUX.1: the transformer alone, under the names of diffusers", "flux", _diffusers("transformer")),
    Kind(
        "FLUX.1 Fill",
        "flux",
        alone(_wider("img_in.weight", 96), "flux"),
        "takes 96 channels, and its config 16: it is a model for inpainting or editing",
    ),
    *(
        Kind(f"FLUX.1: {name}", "flux", quantised(way, "flux"))
        for name, way in zip(_FP8, (quantising.old_fp8, quantising.new_fp8), strict=True)
    ),
    Kind("FLUX.1: NF4 of bitsandbytes, as Forge takes it", "flux", quantised(quantising.nf4, "flux")),
    Kind("FLUX.1: GGUF", "flux", _gguf),
    Kind("SD: int8 of bitsandbytes", "sd", quantised(quantising.int8, "sd", _BODY)),
    Kind("SD: a folder of diffusers in 4 bits of bitsandbytes", "sd", _bits_folder),
    Kind("Chroma", "chroma", alone(_same, "chroma")),
    Kind("Chroma under the names of diffusers", "chroma", _diffusers("transformer")),
    Kind("Z-Image", "z-image", alone(_same, "z-image")),
    Kind("Z-Image under the names of diffusers", "z-image", _diffusers("transformer")),
    Kind("Qwen-Image", "qwen-image", alone(_same, "qwen-image")),
    Kind(
        "Lumina 2",
        "z-image",
        alone(lambda s: {n: v for n, v in s.items() if "pad_token" not in n}, "z-image"),
        "is Lumina 2, which is not among the families",
    ),
    Kind(
        "FLUX.2",
        "flux",
        _held({"double_stream_modulation_img.lin.weight": ZERO}),
        "is FLUX.2, which is not among the families",
    ),
    Kind(
        "HiDream-I1",
        "flux",
        _held({"double_stream_blocks.0.block.adaLN_modulation.1.bias": ZERO}),
        "is HiDream-I1, which is not among the families",
    ),
    Kind(
        "Wan",
        "flux",
        _held({"blocks.0.cross_attn.norm_k.weight": ZERO}),
        "is Wan, which is not among the families",
    ),
    Kind(
        "GPTQ",
        "sd",
        alone(lambda s: s | {f"{_BODY}a.qzeros": torch.zeros(2, dtype=torch.int32)}),
        "keeps its weights as GPTQ or AWQ (model.diffusion_model.a.qzeros)",
    ),
    Kind(
        "NVFP4",
        "flux",
        alone(lambda s: s | {"img_in.weight_scale_2": ZERO}, "flux"),
        "keeps its weights as NVFP4 (img_in.weight_scale_2)",
    ),
    Kind(
        "whole numbers without a scale",
        "sd",
        alone(lambda s: s | {f"{_BODY}out.2.weight": torch.zeros(4, 4, dtype=torch.int8)}),
        "as whole numbers without a known scale (model.diffusion_model.out.2.weight is I8)",
    ),
    Kind(
        "a LoRA in place of a model",
        "sd",
        _held({"lora_unet_mid.lora_down.weight": ZERO}),
        "is a LoRA; add it to a model with --lora",
    ),
    Kind(
        "an embedding in place of a model",
        "sd",
        _held({"emb_params": ZERO}),
        "is a textual-inversion embedding; add it with --embedding",
    ),
    Kind(
        "a ControlNet in place of a model",
        "sd",
        _held(
            {"control_model.input_hint_block.0.weight": ZERO, "control_model.input_blocks.0.0.weight": ZERO}
        ),
        "is a ControlNet, which is not opened",
    ),
    Kind(
        "an autoencoder in place of a model",
        "sd",
        _diffusers("vae"),
        "is an autoencoder; give it to a model with --vae",
    ),
    Kind(
        "a text encoder in place of a model",
        "sd",
        _diffusers("text_encoder"),
        "is a text encoder; give it to a model with --text-encoder",
    ),
)
"""Whole models and denoisers. LoRA files have a table of their own."""
