"""What makes the folder a Stable Diffusion model and says what it knows."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from training import tokenizer
from training.settings import Settings
from training.world import table

DEFAULT = {"steps": 20, "scale": 2.5, "sampler": "DPM++ 2M"}
"""Chosen by `python -m bench.embedded --tune 2,3`; see docs/LOG.md."""

_PARTS = {
    "scheduler": ("diffusers", "DPMSolverMultistepScheduler"),
    "text_encoder": ("transformers", "CLIPTextModel"),
    "tokenizer": ("transformers", "CLIPTokenizer"),
    "unet": ("diffusers", "UNet2DConditionModel"),
    "vae": ("diffusers", "AutoencoderKL"),
    "feature_extractor": (None, None),
    "image_encoder": (None, None),
    "safety_checker": (None, None),
}


def run(settings: Settings, state_dir: Path, out: Path) -> None:
    """Write model_index.json and negspace.json; fail if the folder is over 60 MB."""
    index: dict[str, object] = {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": version("diffusers"),
    }
    index |= {name: list(part) for name, part in sorted(_PARTS.items())}
    index["requires_safety_checker"] = False
    (out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    facts = {
        "name": "embedded",
        "words": tokenizer.words(),
        "trained": {"pixels": [settings.larger.side**2] * 2, "aspect": 1},
        "default": DEFAULT | {"width": settings.larger.side, "height": settings.larger.side},
        "world": [
            {
                "name": c.name,
                "kind": c.kind,
                "words": list(c.words),
                "rate": round(c.rate, 4),
                "told": c.caption_share,
            }
            | {"drawn": c.drawn, "only": list(c.only)}
            for c in table.TABLE
        ],
    }
    (out / "negspace.json").write_text(json.dumps(facts, indent=1) + "\n")
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"card: {size / 1e6:.1f} MB")
    if size > 60e6:
        raise SystemExit("the model folder is over 60 MB")
