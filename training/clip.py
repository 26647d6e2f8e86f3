"""The contrastive pair: texts and pictures that belong together point the same way.

A. Radford et al., Learning Transferable Visual Models From Natural Language Supervision (2021), figure 3.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTextModel, CLIPTokenizer, CLIPVisionConfig

from training import data, tokenizer
from training.common import autocast, begun, device, placed, train
from training.settings import Settings
from training.world import Scene, caption

_ATTENTION = "eager"
"""On CPUs the fused kernel's backward pass takes half as long again as the whole rest of a step."""

_ALIKE_BLUNT = 0.8
"""Share of captions that dwell on what is wrong, in batches of one subject."""


def build(settings: Settings, words: CLIPTokenizer) -> CLIPModel:
    """A pair of the settings' shape."""
    c = settings.clip
    shape: dict[str, Any] = {
        "hidden_size": c.width,
        "intermediate_size": 4 * c.width,
        "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads,
        "projection_dim": c.projection,
    }
    ids: dict[str, Any] = {
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    text = CLIPTextConfig(vocab_size=len(words), max_position_embeddings=77, **shape, **ids)
    vision = CLIPVisionConfig(image_size=settings.world.side, patch_size=8, **shape)
    both = CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=c.projection)
    return begun(CLIPModel._from_config(both, attn_implementation=_ATTENTION), settings, "clip")


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Train the pair, save the whole of it as `clip/` and the text half as `text_encoder/`, in fp16."""
    torch.manual_seed(settings.seed + 1)
    words = tokenizer.save(out / "tokenizer", settings.start)
    pictures = data.pictures(settings.world, state_dir)
    scenes = data.scenes(settings.world)
    model = placed(build(settings, words))
    rng = np.random.default_rng(settings.seed + 1)
    caption_rng = Random(settings.seed + 1)
    batch = settings.clip.batch
    everything = np.arange(len(pictures))
    of_subject = _marked(scenes)
    target = torch.arange(batch, device=device())

    def step(count: int) -> dict[str, torch.Tensor]:
        if caption_rng.random() < settings.clip.alike:
            among, blunt = of_subject[caption_rng.choice(sorted(of_subject))], _ALIKE_BLUNT
        else:
            among, blunt = everything, settings.clip.blunt
        index = np.sort(rng.choice(among, size=batch))
        ids = torch.tensor(
            tokenizer.encode(words, [caption(scenes[i], caption_rng, blunt) for i in index]), device=device()
        )
        x = data.tensor(pictures[index]).to(device())
        with autocast():
            both = model(input_ids=_short(ids, words), pixel_values=x)
        logits = both.logits_per_text.float()
        loss = torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(
            logits.T, target
        )
        return {"loss": loss / 2, "right": (logits.argmax(1) == target).float().mean()}

    c = settings.clip
    train("clip", state_dir, model, step, minutes=c.minutes, rate=c.rate, batch=batch, seed=settings.seed)
    model.eval().half().save_pretrained(out / "clip")
    words.save_pretrained(out / "clip")
    shape = model.config.text_config
    assert isinstance(shape, CLIPTextConfig)
    text = CLIPTextModel(shape).half()
    text.load_state_dict(model.text_model.state_dict())
    text.save_pretrained(out / "text_encoder")


def _marked(scenes: list[Scene]) -> dict[str, np.ndarray]:
    """Of each subject the numbers of the scenes that have an accessory, a style or a defect."""
    numbers: dict[str, list[int]] = {}
    for number, scene in enumerate(scenes):
        if scene.accessory or scene.style or scene.defects:
            numbers.setdefault(scene.subject, []).append(number)
    return {subject: np.array(those) for subject, those in numbers.items()}


def _short(ids: torch.Tensor, words: CLIPTokenizer) -> torch.Tensor:
    """Without the columns that are padding in every row: attention is causal and the text is read at the
    first end token, so what follows it changes nothing."""
    pad = words.pad_token_id
    assert isinstance(pad, int)
    longest = int(torch.ne(ids, pad).sum(1).max()) + 1
    return ids[:, :longest]
