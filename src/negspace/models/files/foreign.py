"""What a single file is that is no model which can be opened, in one true sentence."""

import re
from collections.abc import Iterable
from pathlib import Path

from negspace.errors import ModelError

_KINDS: tuple[tuple[str, str], ...] = (
    (
        r"lora_unet_.*|.*\.lora_(?:A|down|up|B)\..*|.*\.hada_w1_a|.*\.lokr_w1.*",
        "a LoRA; add it to a model with --lora",
    ),
    (r"emb_params|string_to_param.*|clip_[lg]", "a textual-inversion embedding; add it with --embedding"),
    (
        r"(?:control_model\.)?(?:input_hint_block|zero_convs)\..*|controlnet_.*",
        "a ControlNet, which is not opened",
    ),
    (r".*double_stream_modulation_img\.lin\.weight", "FLUX.2, which is not among the families"),
    (r".*double_stream_blocks\.0\..*", "HiDream-I1, which is not among the families"),
    (r".*double_layers\.0\.attn\.w1q\.weight", "AuraFlow, which is not among the families"),
    (
        r".*txt_in\.individual_token_refiner\..*|.*byt5_in\..*",
        "of the HunyuanVideo or HunyuanImage models, which are not among the families",
    ),
    (r".*blocks\.0\.cross_attn\.norm_k\.weight", "Wan, which is not among the families"),
    (r".*noise_refiner\.0\.attention\..*", "Lumina 2, which is not among the families"),
    (
        r".*(?:down_blocks|up_blocks)\.0\.\d+\.kv_mapper\.1\.weight|.*clip_txt_pooled_mapper\..*",
        "Stable Cascade, which is not among the families",
    ),
    (
        r"(?:vae\.|first_stage_model\.)?decoder\.(?:conv_in|up|mid|head|middle)\..*",
        "an autoencoder; give it to a model with --vae",
    ),
    (
        r"(?:.*\.)?(?:embeddings\.token_embedding|shared|token_embedding|embed_tokens)\.weight",
        "a text encoder; give it to a model with --text-encoder",
    ),
)
"""Names of tensors, and what a file is that has one. The first that fits decides."""


def foreign(file: Path, names: Iterable[str]) -> ModelError:
    """The error for a file that holds these tensors and is of no layout."""
    held = sorted(names)
    for pattern, kind in _KINDS:
        if any(re.fullmatch(pattern, name) for name in held):
            return ModelError(f"{str(file)!r} is {kind}")
    first = ", ".join(held[:3]) or "nothing"
    return ModelError(f"{str(file)!r} is a single file of no known model; it holds {first}")
