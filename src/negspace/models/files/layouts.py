"""Layouts: a whole model, or its denoiser, in one file under the names of its makers or of diffusers.

The makers' names of Stable Diffusion, Z-Image and the autoencoders are translated by diffusers.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.files.flux_names import flux_names
from negspace.models.files.headers import TensorHeader
from negspace.models.files.homes import (
    chroma_home,
    flux_home,
    qwen_image_home,
    sd3_home,
    sd_home,
    sdxl_home,
    z_image_home,
)
from negspace.models.files.leftovers import refuse_unread
from negspace.models.files.open_clip_names import open_clip_names

if TYPE_CHECKING:
    from torch import Tensor

    State = dict[str, Tensor]
    Parts = dict[str, State]

ReadSettings = Callable[[str], dict[str, Any]]
"""The settings of a part, by its folder."""

_BODY = "model.diffusion_model."
_BODIES = (_BODY, "diffusion_model.", "")
"""What stands before the names of a denoiser: by its makers, by ComfyUI, and where it is alone."""

_OTHERS = ("cond_stage_model.", "conditioner.", "first_stage_model.", "vae.", "text_encoders.")
"""What stands before the names of other parts."""


@dataclass(frozen=True)
class Layout:
    """How a family is laid out in one file.

    Attributes:
        family: its name.
        marks: names of tensors of the denoiser that only this family has together.
        hub_id: (file, what it holds, what it says of its scheduler) to the model of the hub whose settings
            and vocabulary are its own.
        split: (tensors, settings) to tensors by part, under the names of diffusers; parts that are not in the
            file are left out. What is before the names of the denoiser is `model.diffusion_model.` there.
        entry: the weight whose second side is the channels that the denoiser takes; "" where none says so.
        never_read: tensors of the denoiser that it does not call.
    """

    family: str
    marks: tuple[str, ...]
    hub_id: Callable[[Path, Mapping[str, TensorHeader], Mapping[str, Any]], str]
    split: "Callable[[State, ReadSettings], Parts]"
    entry: str = ""
    never_read: tuple[str, ...] = ()

    def prefix(self, names: Iterable[str]) -> str | None:
        """What stands before the names of the denoiser; None where a file is not of this layout."""
        held = frozenset(names)
        return next((body for body in _BODIES if all(body + mark in held for mark in self.marks)), None)

    def parts(self, state: "State", settings: ReadSettings, file: Path) -> "Parts":
        """The tensors of each part that a file has, under the names of diffusers.

        Raises:
            KeyError, RuntimeError..: it lacks some.
            ModelError: it has one that no part reads, and that is not known to carry nothing.
        """
        own = self.prefix(state) or ""

        def translate(state: "State") -> "Parts":
            named = {
                name if name.startswith(_OTHERS) else _BODY + name.removeprefix(own): value
                for name, value in state.items()
            }
            return {name: part for name, part in self.split(named, settings).items() if part}

        refuse_unread(translate, state, file, [own + name for name in self.never_read])
        return translate(state)

    def check_channels(self, file: Path, held: Mapping[str, TensorHeader], settings: ReadSettings) -> None:
        """Stop where the denoiser of a file takes other channels than that of its config.

        Raises:
            ModelError: it does; both are named.
        """
        entry = held.get((self.prefix(held) or "") + self.entry)
        part = "unet" if self.family in ("sd", "sdxl") else "transformer"
        wanted = settings(part).get("in_channels")
        if entry is None or entry.dtype == "U8" or len(entry.shape) < 2:  # packed weights say nothing
            return
        if wanted not in (None, entry.shape[1]):
            raise ModelError(
                f"{str(file)!r} takes {entry.shape[1]} channels, and its config {wanted}: it is a model for "
                "inpainting or editing, which is not opened"
            )


def layout_of(held: Iterable[str]) -> Layout | None:
    """The layout of a file by the names of its tensors; None where it is of no known one."""
    names = frozenset(held)
    return next((layout for layout in LAYOUTS if layout.prefix(names) is not None), None)


def _split_sd(state: "State", settings: ReadSettings) -> "Parts":
    from diffusers.loaders import single_file_utils as names

    text = names.convert_ldm_clip_checkpoint(state)
    if not text:
        read = int(settings("text_encoder")["num_hidden_layers"])
        text = open_clip_names(_under(state, "cond_stage_model.model."), read)
    return {**_unet_and_vae(state, settings), "text_encoder": text}


def _split_sdxl(state: "State", settings: ReadSettings) -> "Parts":
    from diffusers.loaders import single_file_utils as names

    read = int(settings("text_encoder_2")["num_hidden_layers"])
    second = open_clip_names(_under(state, "conditioner.embedders.1.model."), read)
    first = names.convert_ldm_clip_checkpoint(state)
    return {**_unet_and_vae(state, settings), "text_encoder": first, "text_encoder_2": second}


def _unet_and_vae(state: "State", settings: ReadSettings) -> "Parts":
    from diffusers.loaders import single_file_utils as names

    unet = names.convert_ldm_unet_checkpoint(dict(state), settings("unet"))
    return {"unet": unet, "vae": _vae(state, settings)}


def _split_sd3(state: "State", settings: ReadSettings) -> "Parts":
    from diffusers.loaders import single_file_utils as names

    parts = {"transformer": names.convert_sd3_transformer_checkpoint_to_diffusers(_under(state, _BODY))}
    return {**parts, **_texts(state, ("clip_l", "clip_g", "t5xxl")), "vae": _vae(state, settings)}


def _split_flux(state: "State", settings: ReadSettings) -> "Parts":
    parts = {"transformer": flux_names(_under(state, _BODY))}
    return {**parts, **_texts(state, ("clip_l", "t5xxl")), "vae": _vae(state, settings)}


def _split_chroma(state: "State", settings: ReadSettings) -> "Parts":
    parts = {"transformer": flux_names(_under(state, _BODY))}
    return {**parts, **_texts(state, ("t5xxl",)), "vae": _vae(state, settings)}


def _split_z_image(state: "State", settings: ReadSettings) -> "Parts":
    from diffusers.loaders import single_file_utils as names

    body = names.convert_z_image_transformer_checkpoint_to_diffusers(_under(state, _BODY))
    return {"transformer": body, **_texts(state, ("qwen3_4b",)), "vae": _vae(state, settings)}


def _split_named(part: str, state: "State", settings: ReadSettings) -> "Parts":
    """A denoiser that has the names of diffusers already; other parts of such a file are not known."""
    return {part: _under(state, _BODY)}


def _texts(state: "State", texts: tuple[str, ...]) -> "Parts":
    """The text encoders beside a transformer, those that are there."""
    return {
        "text_encoder" if number == 1 else f"text_encoder_{number}": _under(
            state, f"text_encoders.{text}.transformer."
        )
        for number, text in enumerate(texts, start=1)
    }


def _vae(state: "State", settings: ReadSettings) -> "State":
    from diffusers.loaders import single_file_utils as names

    if not any(name.startswith(("first_stage_model.", "vae.")) for name in state):
        return {}
    return names.convert_ldm_vae_checkpoint(state, settings("vae"))


def _under(state: "State", prefix: str) -> "State":
    return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}


_SPLIT_UNET = partial(_split_named, "unet")
_SPLIT_TRANSFORMER = partial(_split_named, "transformer")
_GUIDANCE = "distilled_guidance_layer.in_proj.weight"
_DOUBLE = "double_blocks.0.img_attn.qkv.weight"
_SINGLE = "single_transformer_blocks.0.proj_mlp.weight"
_MIDDLE = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"
_PATCH = "x_embedder.weight"

LAYOUTS = (
    Layout("chroma", (_DOUBLE, _GUIDANCE), chroma_home, _split_chroma, "img_in.weight"),
    Layout("chroma", (_SINGLE, _GUIDANCE), chroma_home, _SPLIT_TRANSFORMER, _PATCH),
    Layout("flux", (_DOUBLE, "vector_in.in_layer.weight"), flux_home, _split_flux, "img_in.weight"),
    Layout(
        "flux",
        (_SINGLE, "time_text_embed.text_embedder.linear_1.weight"),
        flux_home,
        _SPLIT_TRANSFORMER,
        _PATCH,
    ),
    Layout(
        "sd3", ("joint_blocks.0.x_block.attn.qkv.weight",), sd3_home, _split_sd3, "x_embedder.proj.weight"
    ),
    Layout(
        "sd3",
        ("pos_embed.pos_embed", "transformer_blocks.0.attn.add_k_proj.weight"),
        sd3_home,
        _SPLIT_TRANSFORMER,
        "pos_embed.proj.weight",
    ),
    Layout(
        "sdxl",
        ("label_emb.0.0.weight", "input_blocks.0.0.weight"),
        sdxl_home,
        _split_sdxl,
        "input_blocks.0.0.weight",
    ),
    Layout("sdxl", ("add_embedding.linear_1.weight", _MIDDLE), sdxl_home, _SPLIT_UNET, "conv_in.weight"),
    Layout("sd", ("input_blocks.0.0.weight", "out.2.weight"), sd_home, _split_sd, "input_blocks.0.0.weight"),
    Layout("sd", (_MIDDLE, "conv_in.weight"), sd_home, _SPLIT_UNET, "conv_in.weight"),
    Layout(
        "z-image",
        ("cap_pad_token", "noise_refiner.0.attention.qkv.weight"),
        z_image_home,
        _split_z_image,
        never_read=("norm_final.weight",),
    ),
    Layout(
        "z-image",
        ("cap_pad_token", "noise_refiner.0.attention.to_q.weight"),
        z_image_home,
        _SPLIT_TRANSFORMER,
    ),
    Layout(
        "qwen-image",
        ("transformer_blocks.0.img_mod.1.weight",),
        qwen_image_home,
        _SPLIT_TRANSFORMER,
        "img_in.weight",
    ),
)
"""Every layout; the first that a file has the marks of is its own."""
