"""What the layers of a network are called in the program it was published with, which trainers take over.

In the tables "*" is the number of a block. An original layer is one layer of diffusers, or the rows of
several one after the other; "#0" and "#1" are the first and the second half of a layer's rows. Sources: the
conversion scripts of diffusers 0.42 and the published checkpoints.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

LayerTable = Mapping[str, tuple[str, ...]]
"""Layers of diffusers by the name of the original layer."""


def _flux_stream(original: str, attention: tuple[str, ...], out: str, feed: str, norm: str) -> LayerTable:
    """The layers of one of the two streams of a double block; xlabs numbers the streams 1 and 2."""
    at, number = "transformer_blocks.*.", {"img": "1", "txt": "2"}[original]
    qkv = tuple(f"{at}attn.{layer}" for layer in attention)
    queries, keys = ("norm_q", "norm_k") if number == "1" else ("norm_added_q", "norm_added_k")
    return {
        f"double_blocks.*.{original}_attn.qkv": qkv,
        f"double_blocks.*.qkv{number}": qkv,
        f"double_blocks.*.{original}_attn.proj": (f"{at}attn.{out}",),
        f"double_blocks.*.proj{number}": (f"{at}attn.{out}",),
        f"double_blocks.*.{original}_attn.norm.query_norm": (f"{at}attn.{queries}",),
        f"double_blocks.*.{original}_attn.norm.key_norm": (f"{at}attn.{keys}",),
        f"double_blocks.*.{original}_mlp.0": (f"{at}{feed}.net.0.proj",),
        f"double_blocks.*.{original}_mlp.2": (f"{at}{feed}.net.2",),
        f"double_blocks.*.{original}_mod.lin": (f"{at}{norm}.linear",),
    }


_SINGLE = "single_transformer_blocks.*."
_SINGLE_QKV = (f"{_SINGLE}attn.to_q", f"{_SINGLE}attn.to_k", f"{_SINGLE}attn.to_v")

FLUX: LayerTable = {
    **_flux_stream("img", ("to_q", "to_k", "to_v"), "to_out.0", "ff", "norm1"),
    **_flux_stream(
        "txt", ("add_q_proj", "add_k_proj", "add_v_proj"), "to_add_out", "ff_context", "norm1_context"
    ),
    "single_blocks.*.linear1": (*_SINGLE_QKV, f"{_SINGLE}proj_mlp"),
    "single_blocks.*.qkv": _SINGLE_QKV,
    "single_blocks.*.linear2": (f"{_SINGLE}proj_out",),
    "single_blocks.*.proj": (f"{_SINGLE}proj_out",),
    "single_blocks.*.norm.query_norm": (f"{_SINGLE}attn.norm_q",),
    "single_blocks.*.norm.key_norm": (f"{_SINGLE}attn.norm_k",),
    "single_blocks.*.modulation.lin": (f"{_SINGLE}norm.linear",),
    "img_in": ("x_embedder",),
    "txt_in": ("context_embedder",),
    "time_in.in_layer": ("time_text_embed.timestep_embedder.linear_1",),
    "time_in.out_layer": ("time_text_embed.timestep_embedder.linear_2",),
    "vector_in.in_layer": ("time_text_embed.text_embedder.linear_1",),
    "vector_in.out_layer": ("time_text_embed.text_embedder.linear_2",),
    "guidance_in.in_layer": ("time_text_embed.guidance_embedder.linear_1",),
    "guidance_in.out_layer": ("time_text_embed.guidance_embedder.linear_2",),
    "final_layer.adaLN_modulation.1": ("norm_out.linear#1", "norm_out.linear#0"),
    "final_layer.linear": ("proj_out",),
}
"""FLUX.1 by Black Forest Labs, and the attention processors of xlabs; Chroma shares most of it."""

CHROMA: LayerTable = {
    **FLUX,
    "distilled_guidance_layer.layers.*.in_layer": ("distilled_guidance_layer.layers.*.linear_1",),
    "distilled_guidance_layer.layers.*.out_layer": ("distilled_guidance_layer.layers.*.linear_2",),
}

_JOINT = "transformer_blocks.*."

SD3: LayerTable = {
    "joint_blocks.*.x_block.attn.qkv": (f"{_JOINT}attn.to_q", f"{_JOINT}attn.to_k", f"{_JOINT}attn.to_v"),
    "joint_blocks.*.x_block.attn.proj": (f"{_JOINT}attn.to_out.0",),
    "joint_blocks.*.x_block.attn2.qkv": (f"{_JOINT}attn2.to_q", f"{_JOINT}attn2.to_k", f"{_JOINT}attn2.to_v"),
    "joint_blocks.*.x_block.attn2.proj": (f"{_JOINT}attn2.to_out.0",),
    "joint_blocks.*.x_block.mlp.fc1": (f"{_JOINT}ff.net.0.proj",),
    "joint_blocks.*.x_block.mlp.fc2": (f"{_JOINT}ff.net.2",),
    "joint_blocks.*.x_block.adaLN_modulation.1": (f"{_JOINT}norm1.linear",),
    "joint_blocks.*.context_block.attn.qkv": (
        f"{_JOINT}attn.add_q_proj",
        f"{_JOINT}attn.add_k_proj",
        f"{_JOINT}attn.add_v_proj",
    ),
    "joint_blocks.*.context_block.attn.proj": (f"{_JOINT}attn.to_add_out",),
    "joint_blocks.*.context_block.mlp.fc1": (f"{_JOINT}ff_context.net.0.proj",),
    "joint_blocks.*.context_block.mlp.fc2": (f"{_JOINT}ff_context.net.2",),
    "joint_blocks.*.context_block.adaLN_modulation.1": (f"{_JOINT}norm1_context.linear",),
    "joint_blocks.*.x_block.attn.ln_q": (f"{_JOINT}attn.norm_q",),
    "joint_blocks.*.x_block.attn.ln_k": (f"{_JOINT}attn.norm_k",),
    "joint_blocks.*.x_block.attn2.ln_q": (f"{_JOINT}attn2.norm_q",),
    "joint_blocks.*.x_block.attn2.ln_k": (f"{_JOINT}attn2.norm_k",),
    "joint_blocks.*.context_block.attn.ln_q": (f"{_JOINT}attn.norm_added_q",),
    "joint_blocks.*.context_block.attn.ln_k": (f"{_JOINT}attn.norm_added_k",),
    "x_embedder.proj": ("pos_embed.proj",),
    "context_embedder": ("context_embedder",),
    "t_embedder.mlp.0": ("time_text_embed.timestep_embedder.linear_1",),
    "t_embedder.mlp.2": ("time_text_embed.timestep_embedder.linear_2",),
    "y_embedder.mlp.0": ("time_text_embed.text_embedder.linear_1",),
    "y_embedder.mlp.2": ("time_text_embed.text_embedder.linear_2",),
    "final_layer.adaLN_modulation.1": ("norm_out.linear#1", "norm_out.linear#0"),
    "final_layer.linear": ("proj_out",),
}
"""Stable Diffusion 3 by Stability AI. The last block's context is only read: see `sd3_layers`."""


def _z_image_stack(stack: str) -> LayerTable:
    attention = f"{stack}.*.attention."
    return {
        f"{attention}qkv": (f"{attention}to_q", f"{attention}to_k", f"{attention}to_v"),
        f"{attention}out": (f"{attention}to_out.0",),
    }


Z_IMAGE: LayerTable = {
    **_z_image_stack("layers"),
    **_z_image_stack("noise_refiner"),
    **_z_image_stack("context_refiner"),
    "x_embedder": ("all_x_embedder.2-1",),
    "final_layer.linear": ("all_final_layer.2-1.linear",),
    "final_layer.adaLN_modulation.1": ("all_final_layer.2-1.adaLN_modulation.1",),
}


def numbered(table: LayerTable, layers: Iterable[str]) -> LayerTable:
    """A table with the numbers of the blocks of a network that has these layers."""
    present = set(layers)
    numbers = {part for layer in present for part in layer.split(".") if part.isdigit()}
    filled = (
        (name.replace("*", number), tuple(piece.replace("*", number) for piece in pieces))
        for name, pieces in table.items()
        for number in (numbers if "*" in name else ("",))
    )
    return {
        name: pieces for name, pieces in filled if all(piece.partition("#")[0] in present for piece in pieces)
    }


def sd3_layers(layers: Iterable[str], blocks: int) -> LayerTable:
    """The layers of Stable Diffusion 3; the context of the last block has the norm of the final layer."""
    last, norm = blocks - 1, f"transformer_blocks.{blocks - 1}.norm1_context.linear"
    swapped = {f"joint_blocks.{last}.context_block.adaLN_modulation.1": (f"{norm}#1", f"{norm}#0")}
    return {**numbered(SD3, layers), **swapped}


_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_ENDS = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_UNET_LAYER = re.compile(
    r"(?:(?P<side>down|up)_blocks\.(?P<block>\d+)|mid_block)\."
    r"(?P<kind>resnets|attentions|downsamplers|upsamplers)\.(?P<number>\d+)\.(?P<rest>.+)"
)


def unet_layers(layers: Iterable[str], per_block: int) -> LayerTable:
    """The layers of a UNet as CompVis and Stability AI number them.

    Args:
        layers: of the network of diffusers.
        per_block: its `layers_per_block`.
    """
    present = tuple(layers)
    return {original: (layer,) for layer in present for original in _unet_original(layer, present, per_block)}


def _unet_original(layer: str, present: tuple[str, ...], per_block: int) -> Iterator[str]:
    if layer in _UNET_ENDS:
        yield _UNET_ENDS[layer]
    if (match := _UNET_LAYER.fullmatch(layer)) is None:
        return
    side, kind, number = match["side"], match["kind"], int(match["number"])
    block = int(match["block"] or 0) * (per_block + 1)
    place, rest = int(kind == "attentions"), match["rest"]
    if kind == "resnets":
        rest = _RESNET.get(rest, rest)
    if side is None:
        yield f"middle_block.{1 if place else 2 * number}.{rest}"
    elif kind == "downsamplers":
        yield f"input_blocks.{block + per_block + 1}.0.op"
    elif kind == "upsamplers":
        attention = any(other.startswith(f"up_blocks.{match['block']}.attentions.") for other in present)
        yield f"output_blocks.{block + per_block}.{2 if attention else 1}.conv"
    elif side == "down":
        yield f"input_blocks.{block + number + 1}.{place}.{rest}"
    else:
        yield f"output_blocks.{block + number}.{place}.{rest}"
