"""Negative embeddings learned from disliked and liked pictures.

A few token vectors e are optimised so that the text made of them alone separates the two kinds of pictures in
CLIP's shared space:

    minimise over e, b   mean BCE(s cos(picture, text(e)) + b, disliked) + decay |e - mean word|^2

with the logit scale s of the model, both kinds weighing the same. Textual inversion (Gal et al. 2022) in the
space of CLIP as in Wen et al. 2023 (Hard prompts made easy), without their projection to words, and with
liked pictures as the contrast. The text half of that CLIP must be the text encoder of the model that reads
the file; that of the embedded model is. The denoiser is not run, so it takes seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from negspace.errors import JudgeError
from negspace.files import write_whole
from negspace.judge.base import Picture
from negspace.judge.judges.zero_shot import ZeroShot

LEAST: Final = 8
"""Pictures of each kind: with fewer, what they happen to show is learned."""

_RATE = 0.02
_DECAY = 1e-3


@dataclass(frozen=True, eq=False)
class LearnedNegative:
    """Token vectors that describe disliked pictures.

    Attributes:
        vectors: [n, width] float32, one a token.
        loss: the mean cross-entropy at the end, in nats; log 2 = 0.693 is no better than chance.
        separated: share of the pictures that lie on their side of one half.
    """

    vectors: Tensor
    loss: float
    separated: float

    def write(self, file: Path) -> None:
        """Write a textual-inversion file, whose name without its ending is the word.

        Raises:
            OutputError: it cannot be written.
        """
        write_whole({file: save({"emb_params": self.vectors.contiguous()})})


def learn_negative(
    judge: ZeroShot,
    disliked: Sequence[Picture],
    liked: Sequence[Picture],
    *,
    vectors: int = 2,
    steps: int = 300,
    seed: int = 0,
) -> LearnedNegative:
    """A negative for what disliked pictures show and liked ones do not.

    Args:
        judge: a CLIP whose text half is the text encoder of the model that will read the negative.
        disliked, liked: pictures, eight of each at least; best from the same prompts.
        vectors: how many tokens it takes in a text.
        steps: of Adam.
        seed: of the first vectors.

    Raises:
        JudgeError: there are too few pictures, or the model is no CLIP.
    """
    for kind, pictures in (("disliked", disliked), ("liked", liked)):
        if len(pictures) < LEAST:
            raise JudgeError(f"{len(pictures)} {kind} pictures are too few to learn from: {LEAST} are needed")
    clip = judge.clip()
    features = torch.from_numpy(judge.features([*disliked, *liked])).float()
    truth = torch.tensor([1.0] * len(disliked) + [0.0] * len(liked))
    balance = torch.where(truth > 0, len(truth) / (2 * len(disliked)), len(truth) / (2 * len(liked)))
    words: Tensor = clip.text_model.embeddings.token_embedding.weight.detach().float()
    mean, spread = words.mean(0), words.std(0)
    noise = torch.from_numpy(np.random.default_rng(seed).normal(size=(vectors, len(mean)))).float()
    free = (mean + 0.1 * spread * noise).requires_grad_(True)
    bias = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.Adam([free, bias], lr=_RATE)
    scale = clip.logit_scale.exp().detach().float()

    def logits() -> Tensor:
        return scale * features @ _text_features(clip, free) + bias

    def loss() -> Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits(), truth, balance)

    for _ in range(steps):
        optimiser.zero_grad()
        (loss() + _DECAY * ((free - mean) ** 2).sum()).backward()
        optimiser.step()
    with torch.no_grad():
        separated = ((logits() > 0) == (truth > 0.5)).float().mean()
        return LearnedNegative(free.detach().clone(), float(loss()), float(separated))


def _text_features(clip: Any, free: Tensor) -> Tensor:
    """[d] of length 1: the text of these vectors alone, between the begin and end tokens."""
    shape = clip.config.text_config
    filler = next(token for token in range(3) if token not in (shape.bos_token_id, shape.eos_token_id))
    ids = torch.tensor([[shape.bos_token_id, *([filler] * len(free)), shape.eos_token_id]])

    def replaced(_: Any, __: Any, known: Tensor) -> Tensor:
        return torch.cat([known[:, :1], free[None], known[:, -1:]], dim=1)

    hook = clip.text_model.embeddings.token_embedding.register_forward_hook(replaced)
    try:
        (features,) = clip.get_text_features(input_ids=ids).pooler_output
    finally:
        hook.remove()
    return features / features.norm()
