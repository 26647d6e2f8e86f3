"""Text encoders as people have them in place of a model's own: other names, more in the file, long texts."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from negspace.errors import ModelError
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source
from tests.model_files import quantising
from tests.model_files.conftest import Place
from tests.model_files.original import State, open_clip, tensors, write_state
from tests.model_files.test_parts import made


def hugging_face(folder: Path) -> State:
    """The text model under the names of transformers, with `text_model` before them."""
    state = tensors(folder / "text_encoder")
    return {f"text_model.{name.removeprefix('text_model.')}": value for name, value in state.items()}


def openai(state: State) -> State:
    width = state["text_model.final_layer_norm.weight"].shape[0]
    pictures = {"visual.conv1.weight": torch.zeros(4, 3, 2, 2), "logit_scale": torch.tensor(4.6)}
    return open_clip(state | {"text_projection.weight": torch.eye(width)}) | pictures


def whole_clip(state: State) -> State:
    width = state["text_model.final_layer_norm.weight"].shape[0]
    more: State = {
        "text_projection.weight": torch.eye(width),
        "visual_projection.weight": torch.eye(4),
        "vision_model.embeddings.class_embedding": torch.zeros(4),
        "logit_scale": torch.tensor(4.6),
        "text_model.embeddings.position_ids": torch.arange(77)[None],
    }
    return state | more


@pytest.mark.parametrize("form", [openai, whole_clip])
def test_other_names_and_what_sees_pictures_change_nothing(place: Place, tmp_path: Path, form: Any) -> None:
    file = write_state(form(hugging_face(place("sd"))), tmp_path / "clip.safetensors")
    plain, swapped = made(place("sd")).latents, made(place("sd"), text_encoder=file).latents
    assert (plain - swapped).abs().max() < 1e-4


def test_the_second_encoder_of_sdxl_keeps_its_projection(place: Place, tmp_path: Path) -> None:
    state = open_clip(tensors(place("sdxl") / "text_encoder_2"))
    file = write_state(state, tmp_path / "clip_g.safetensors")
    plain = made(place("sdxl")).latents
    assert (plain - made(place("sdxl"), text_encoder={"text_encoder_2": file}).latents).abs().max() < 1e-4
    del state["text_projection"]
    with pytest.raises(ModelError, match=r"lacks text_projection\.weight"):
        made(place("sdxl"), text_encoder={"text_encoder_2": write_state(state, file)})


def longer(state: State, window: int) -> State:
    positions = state["text_model.embeddings.position_embedding.weight"]
    more = positions[-1:].expand(window - len(positions), -1)
    return state | {"text_model.embeddings.position_embedding.weight": torch.cat([positions, more])}


def test_an_encoder_of_longer_texts_reads_longer_texts(place: Place, tmp_path: Path) -> None:
    """As LongCLIP, in both of its namings; what fits in a window of either is read as before."""
    state = longer(hugging_face(place("sd")), 248)
    file = write_state(state, tmp_path / "long.safetensors")
    facts = read_facts(Source(place("sd"), text_encoders=(("text_encoder", file),)))
    assert (facts.encoders[0].window, facts.encoders[0].chunk) == (248, 246)
    made_long = made(place("sd"), text_encoder=file)
    assert made_long.latents.isfinite().all()
    named = openai(state)
    named["positional_embedding_res"] = named["positional_embedding"].clone()
    named["positional_embedding"][20:] = 9.0  # not read from there on
    other = made(place("sd"), text_encoder=write_state(named, tmp_path / "named.safetensors"))
    assert (made_long.latents - other.latents).abs().max() < 1e-4


def test_two_encoders_side_by_side_must_read_as_much(place: Place, tmp_path: Path) -> None:
    file = write_state(longer(hugging_face(place("sdxl")), 248), tmp_path / "long.safetensors")
    with pytest.raises(ModelError, match="reads 248 tokens and text_encoder of sdxl reads 77"):
        made(place("sdxl"), text_encoder=file)


def test_a_t5_in_scaled_float8_is_read(place: Place, tmp_path: Path) -> None:
    kept, read = quantising.quantised(
        tensors(place("flux") / "text_encoder_2"), quantising.old_fp8, "encoder.block"
    )
    first, second = (
        made(
            place("flux"), text_encoder={"text_encoder_2": write_state(state, tmp_path / f"{i}.safetensors")}
        )
        for i, state in enumerate((kept | {"scaled_fp8": _mark()}, read))
    )
    assert (first.latents - second.latents).abs().max() < 1e-4


def _mark() -> Tensor:
    return torch.zeros(0).to(torch.float8_e4m3fn)


LLAMA = {
    "SelfAttention.q": "attn_q",
    "SelfAttention.k": "attn_k",
    "SelfAttention.v": "attn_v",
    "SelfAttention.o": "attn_o",
    "SelfAttention.relative_attention_bias": "attn_rel_b",
    "DenseReluDense.wi": "ffn_up",
    "DenseReluDense.wo": "ffn_down",
}


def llama(name: str) -> str:
    """The name of a tensor of T5's encoder by llama.cpp."""
    match = re.fullmatch(r"encoder\.block\.(\d+)\.layer\.(\d)\.(.+)\.weight", name)
    if match is None:
        return {"shared.weight": "token_embd.weight"}.get(name, "enc.output_norm.weight")
    norm = "attn_norm" if match[2] == "0" else "ffn_norm"
    return f"enc.blk.{match[1]}.{LLAMA.get(match[3], norm)}.weight"


def test_a_t5_in_gguf_is_read(place: Place, tmp_path: Path) -> None:
    """As ComfyUI-GGUF's users have it, under the names of llama.cpp."""
    state = tensors(place("flux") / "text_encoder_2")
    state = {name: value for name, value in state.items() if not name.endswith("embed_tokens.weight")}
    assert len({llama(name) for name in state}) == len(state)
    read = quantising.write_gguf({llama(name): value for name, value in state.items()}, tmp_path / "t5.gguf")
    plain = {name: read[llama(name)] for name in state}
    first, second = (
        made(place("flux"), text_encoder={"text_encoder_2": file})
        for file in (tmp_path / "t5.gguf", write_state(plain, tmp_path / "t5.safetensors"))
    )
    assert (first.latents - second.latents).abs().max() < 1e-4
    wrong = read | {"enc.blk.0.odd.weight": read["token_embd.weight"]}
    quantising.write_gguf(wrong, tmp_path / "wrong.gguf")
    with pytest.raises(ModelError, match=r"wrong\.gguf' has 'odd', a name that is not known"):
        made(place("flux"), text_encoder={"text_encoder_2": tmp_path / "wrong.gguf"})
