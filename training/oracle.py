"""The oracle's training: renders in, every attribute out. It sees no caption and no generated picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from negspace.judge.judges.oracle import Oracle, OracleHead, OracleNetwork
from training import data
from training.common import autocast, begun, channels_last, device, train
from training.settings import Settings
from training.world import Scene, table
from training.world.scene import ACCESSORY_OF

_UNDEFINED = -1


def heads() -> tuple[OracleHead, ...]:
    """The questions, read from the world's table."""
    several = [
        OracleHead(kind, tuple(c.name for c in table.of(kind))) for kind in ("subject", "colour", "place")
    ]
    several.append(OracleHead("style", ("plain", *(c.name for c in table.of("style")))))
    several.append(OracleHead("fingers", tuple(table.COUNT_WORDS.values())))
    yes_no = [c.name for kind in ("light", "weather", "accessory", "defect") for c in table.of(kind)]
    return (*several, *(OracleHead(name, ("no", name)) for name in yes_no))


def truth(scene: Scene) -> list[int]:
    """The index of the right option per head, -1 where the picture does not decide it.

    Undecided are the colour of what has none, a sketch's time of day, an accessory that may be out of frame,
    the fingers of what is no hand, and what is as small as fingers and accessories under the blocks of JPEG.
    """
    labels = []
    blocks = "jpeg artifacts" in scene.defects
    for head in heads():
        match head.name:
            case "subject" | "place":
                labels.append(head.options.index(getattr(scene, head.name)))
            case "colour":
                labels.append(head.options.index(scene.colour) if scene.has_colour else _UNDEFINED)
            case "style":
                labels.append(head.options.index(scene.style or "plain"))
            case "fingers":
                counted = scene.subject == "hand" and not blocks
                labels.append(head.options.index(table.COUNT_WORDS[scene.fingers]) if counted else _UNDEFINED)
            case name:
                small = name == ACCESSORY_OF.get(scene.subject)
                hidden = small and (blocks or "cropped" in scene.defects)
                unseen = name == "night" and scene.style == "sketch"
                labels.append(_UNDEFINED if hidden or unseen else int(scene.has(name)))
    return labels


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Train, save in fp16, print the accuracy on held-out scenes for every attribute."""
    torch.manual_seed(settings.seed + 3)
    o = settings.oracle
    pictures = data.pictures(settings.world, state_dir)
    labels = torch.tensor([truth(s) for s in data.scenes(settings.world)])
    network = OracleNetwork(o.channels, sum(len(h.options) for h in heads()))
    begun(network, settings, "oracle")
    channels_last(network)
    rng = np.random.default_rng(settings.seed + 3)
    sizes = [len(h.options) for h in heads()]

    def step(count: int) -> dict[str, Tensor]:
        index = np.sort(rng.integers(len(pictures), size=o.batch))
        x = _worn(data.tensor(pictures[index]).to(device(), memory_format=torch.channels_last))
        with autocast():
            logits = network(x)
        y = labels[torch.from_numpy(index)].to(device())
        parts = logits.float().split(sizes, dim=1)
        loss = sum(
            nn.functional.cross_entropy(p, y[:, i], ignore_index=_UNDEFINED) for i, p in enumerate(parts)
        )
        assert isinstance(loss, Tensor)
        return {"loss": loss}

    train(
        "oracle", state_dir, network, step, minutes=o.minutes, rate=o.rate, batch=o.batch, seed=settings.seed
    )
    folder = out / "oracle"
    folder.mkdir(exist_ok=True)
    weights = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items()}
    save_file({k: v.contiguous() for k, v in weights.items()}, folder / "model.safetensors")
    config = {
        "side": settings.world.side,
        "channels": list(o.channels),
        "heads": [{"name": h.name, "options": list(h.options)} for h in heads()],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    report = accuracy(Oracle.load(folder), settings, state_dir)
    (folder / "accuracy.json").write_text(json.dumps(report, indent=1) + "\n")
    for name, share in report.items():
        print(f"oracle: {name:16} {share:.4f}")


def _worn(x: Tensor) -> Tensor:
    """A little less perfect, so that a generated picture's softness is not read as a defect: half of the
    pictures slightly softened, all a little brighter or darker, with a trace of grain."""
    soft = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    share = (
        torch.rand(len(x), 1, 1, 1, device=x.device)
        * 0.45
        * (torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5)
    )
    x = x + (soft - x) * share
    gain = 1 + 0.04 * torch.randn(len(x), 1, 1, 1, device=x.device)
    shift = 0.04 * torch.randn(len(x), 3, 1, 1, device=x.device)
    grain = 0.02 * torch.randn_like(x) * torch.rand(len(x), 1, 1, 1, device=x.device)
    return (x * gain + shift + grain).clamp(-1, 1)


@torch.inference_mode()
def accuracy(oracle: Oracle, settings: Settings, state_dir: Path) -> dict[str, float]:
    """Share of right answers on held-out renders, per head and per option of the heads with several; for an
    accessory or a defect of some subjects only, among those subjects."""
    scenes = data.scenes(settings.world, held_out=True)
    pictures = data.pictures(settings.world, state_dir, held_out=True)
    labels = torch.tensor([truth(s) for s in scenes])
    logits = torch.cat(
        [oracle.network(data.tensor(pictures[i : i + 256])) for i in range(0, len(pictures), 256)]
    )
    parts = logits.split([len(h.options) for h in oracle.heads], dim=1)
    only = {c.name: c.only for c in table.TABLE}
    report: dict[str, float] = {}
    for i, head in enumerate(oracle.heads):
        defined = labels[:, i] != _UNDEFINED
        if only.get(head.name):
            defined &= torch.tensor([s.subject in only[head.name] for s in scenes])
        right = parts[i].argmax(1) == labels[:, i]
        report[head.name] = round(right[defined].float().mean().item(), 4)
        if head.options[0] != "no":
            for j, option in enumerate(head.options):
                mine = defined & (labels[:, i] == j)
                report[f"{head.name}: {option}"] = round(right[mine].float().mean().item(), 4)
    return report
