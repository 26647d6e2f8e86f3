"""Calibrate the embedded model's judge on scenes that the world draws: `python -m training.judge`.

Writes src/negspace/judge/shipped/clip.json and quality.json: each concept goes to whichever of the embedded
CLIP and the classical measures tells it better on scenes that neither learned from. A concept that neither
tells is left out, so that nobody takes a guess for a verdict. Run it again whenever the weights of `clip/`
or `vae/` change. About two minutes on 2 cores.

The model's pictures come out of a decoder, so half of the scenes go through the autoencoder first, except
where it smooths away what is looked for.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image

from negspace.judge import Calibration, Cut, ScoringJudge
from negspace.judge.opening import SHIPPED, open_scoring
from negspace.models.folder import EMBEDDED, find_folder
from training.world import Scene, render, sample, table
from training.world.captions import PLACE_FORMS

_FIRST = 600_000_000
"""Scenes from this seed on are in nobody's training set."""

_SMOOTHED = frozenset({"noise", "jpeg artifacts"})
_CATCH = 0.99
"""The share of what is there that must be seen."""

_MOST_ALARMS = 0.6
"""Whoever sees a thing in more pictures without it than this is not asked for it."""


def prompts(concept: table.Concept) -> Cut:
    """How CLIP is asked for a concept: captions of scenes with it, and of the same scenes without."""
    others = [one for one in table.of(concept.kind) if one.name != concept.name]
    if concept.kind == "subject":
        present = [f"a {word}" for word in concept.words]
        absent = [f"a {one.words[0]}" for one in others]
    elif concept.kind == "place":
        forms = [form for form in PLACE_FORMS[concept.name]]
        present = [f"a house {form.format(word)}" for form in forms for word in concept.words]
        absent = [f"a house {PLACE_FORMS[one.name][0].format(one.words[0])}" for one in others]
    else:
        subjects = concept.only or tuple(one.name for one in table.of("subject"))
        absent = [f"a {name}, {place.name}" for name in subjects for place in table.of("place")]
        present = [f"{scene}, {word}" for scene in absent for word in concept.words]
    return Cut(threshold=0.0, also=concept.words, present=tuple(present), absent=tuple(absent))


def own_scenes(concept: table.Concept, count: int) -> list[Scene]:
    """Scenes of a concept's own subject, every other one with it, not cut off by the frame."""
    rng = Random(f"{_FIRST} {concept.name}")
    found: list[Scene] = []
    while len(found) < count:
        scene = sample(rng)
        if "cropped" not in scene.defects:
            found.append(_on(scene, concept, there=len(found) % 2 == 0))
    return found


def _on(scene: Scene, concept: table.Concept, there: bool) -> Scene:
    """The scene with a concept's own subject, with the concept or without."""
    defects = tuple(name for name in scene.defects if name != "extra fingers")
    scene = replace(scene, subject=concept.only[0], accessory=None, fingers=0, defects=defects)
    if concept.kind == "accessory":
        return replace(scene, accessory=concept.name if there else None)
    if there:
        return replace(scene, fingers=6 + scene.detail % 2, defects=(*defects[:1], concept.name))
    return replace(scene, fingers=5)


def decoded(pictures: Sequence[Image.Image], autoencoder: Any) -> list[Image.Image]:
    """What becomes of pictures on their way through the autoencoder."""
    made: list[Image.Image] = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 64):
            batch = np.stack([np.asarray(one) for one in pictures[start : start + 64]])
            x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
            latents = autoencoder.encode(x, return_dict=False)[0].mode()
            y = autoencoder.decode(latents, return_dict=False)[0]
            values = ((y.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            made += [Image.fromarray(one) for one in values]
    return made


@dataclass(frozen=True)
class Pool:
    """Scenes, and what both judges observe of their pictures.

    Attributes:
        scenes: what is in them.
        decoded: [n], which of them went through the autoencoder.
        observed: by judge, [n, d].
    """

    scenes: list[Scene]
    decoded: np.ndarray
    observed: dict[str, np.ndarray]

    @classmethod
    def of(cls, scenes: list[Scene], judges: dict[str, ScoringJudge], autoencoder: AutoencoderKL) -> Pool:
        """The scenes drawn, half of them decoded, and observed."""
        pictures = [render(scene) for scene in scenes]
        rng = Random(_FIRST)
        chosen = np.array([rng.random() < 0.5 for _ in scenes])
        places = np.flatnonzero(chosen)
        for number, picture in zip(places, decoded([pictures[i] for i in places], autoencoder), strict=True):
            pictures[number] = picture
        return cls(scenes, chosen, {name: judge.observe(pictures) for name, judge in judges.items()})

    def having(self, concept: table.Concept) -> tuple[np.ndarray, np.ndarray]:
        """[n] and [n]: which show a concept, and which could and do not."""
        there = np.array([scene.has(concept.name) for scene in self.scenes])
        fair = ~self.decoded if concept.name in _SMOOTHED else np.ones(len(there), bool)
        return there & fair, ~there & fair


def calibrate(count: int, own: int, out: Path) -> None:
    """Write both calibrations, from `count` scenes of the world and `own` of each thing that belongs to a
    subject.
    """
    judges = {"clip": open_scoring("embedded", None), "quality": open_scoring("quality", None)}
    autoencoder = AutoencoderKL.from_pretrained(find_folder(EMBEDDED).path / "vae", torch_dtype=torch.float32)
    told = f"{count} scenes of the drawn world, {own} of each thing on its subject (training/judge.py)"
    files = {
        name: Calibration(
            judge="zero_shot" if name == "clip" else name,
            made_for=judge.weights(),
            made_from=told,
            only=True,
        )
        for name, judge in judges.items()
    }
    rng = Random(_FIRST)
    world = Pool.of([sample(rng) for _ in range(count)], judges, autoencoder)
    for concept in table.TABLE:
        if concept.kind == "colour":
            continue
        pool = Pool.of(own_scenes(concept, own), judges, autoencoder) if concept.only else world
        cuts = {
            name: _cut(judge, name, concept, pool, world)
            for name, judge in judges.items()
            if name == "clip" or judge.knows(concept.name)
        }
        best = min(cuts, key=lambda name: _alarms(cuts[name]))
        cut = cuts[best]
        fate = best if cut.tells and _alarms(cut) < _MOST_ALARMS else "left out"
        print(f"{concept.name:16} {fate:9} caught {cut.caught}, false alarms {cut.false_alarms}", flush=True)
        if fate != "left out":
            files[best] = files[best].having(concept.name, cut)
    for name, file in files.items():
        file.write(out / f"{name}.json")


def _cut(judge: ScoringJudge, name: str, concept: table.Concept, pool: Pool, world: Pool) -> Cut:
    """What belongs to a subject is parted from bare subjects, and from a third as many other scenes."""
    there, bare = pool.having(concept)
    present, absent = pool.observed[name][there], pool.observed[name][bare]
    if concept.only:
        others = world.observed[name][world.having(concept)[1]][: len(absent) // 3]
        absent = np.random.default_rng(_FIRST).permutation(np.concatenate([absent, others]))
    blank = prompts(concept) if name == "clip" else judge.plain_cut(concept.name)
    blank = blank.model_copy(update={"also": concept.words})
    return judge.calibrated(concept.name, blank, present, absent, _CATCH)


def _alarms(cut: Cut) -> float:
    return cut.false_alarms.share if cut.false_alarms else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=2400, help="of the whole world")
    parser.add_argument("--own", type=int, default=1200, help="of each thing that belongs to a subject")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of both files")
    options = parser.parse_args()
    calibrate(options.scenes, options.own, options.out)


if __name__ == "__main__":
    main()
