"""Numbers that are none: in the network, in a rule, in the autoencoder. The others of the batch go on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import negspace as ns
from negspace.engine import draw
from negspace.errors import PictureError
from negspace.generate import Model
from negspace.models.base import Row
from negspace.models.loading.checkpoint import Checkpoint

STEPS = 4


@pytest.fixture
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def break_seed_2(monkeypatch: pytest.MonkeyPatch, bad: float) -> None:
    """The first predictions for seed 2 are bad; its first noise tells it apart."""
    predict, first = Checkpoint.predict, draw(2, (4, 8, 8))

    def predicted(self: Checkpoint, rows: Sequence[Row]) -> Tensor:
        broken = torch.tensor([torch.equal(row.x, first) for row in rows])
        return torch.where(broken[:, None, None, None], bad, predict(self, rows))

    monkeypatch.setattr(Checkpoint, "predict", predicted)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_broken_picture_ends_and_the_others_go_on(
    model: Model, monkeypatch: pytest.MonkeyPatch, bad: float
) -> None:
    asked: dict[str, Any] = {"avoid": "hat", "steps": STEPS, "sampler": "DDIM"}
    alone = [model.generate("a cat", seed=seed, **asked) for seed in (1, 3)]
    break_seed_2(monkeypatch, bad)
    result = model.generate("a cat", seed=1, n=3, **asked)
    assert [image.seed for image in result.receipt.images] == [1, 3] and len(result.images) == 2
    assert torch.equal(result.latents, torch.cat([one.latents for one in alone]))
    (finding,) = (finding for finding in result.receipt.findings if finding.code == "broken")
    assert finding.text.startswith("picture 2: the network's prediction (positive")
    assert "at step 1 of 4" in finding.text and "dtype float32" in finding.text
    with pytest.raises(PictureError, match="picture 2: the network's prediction .* at step 1 of 4"):
        model.generate("a cat", seed=2, **asked)


def test_what_cannot_be_decoded_is_no_black_picture(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    vae: Any = model.network()._parts.vae  # type: ignore[attr-defined]
    decode = vae.decode
    monkeypatch.setattr(vae, "decode", lambda x, **more: [decode(x, **more)[0] * float("nan")])
    with pytest.raises(PictureError, match="picture 5: what the autoencoder makes of it"):
        model.generate("a cat", seed=5, steps=2)
    run = model.run(model.plan(ns.Request(prompt="a cat", seed=5, steps=2)))
    next(iter(run))
    assert run.preview(run.lanes[0]) is None and np.isfinite(run.lanes[0].x.numpy()).all()
