"""Calibrate the embedded model's judge on scenes that the world draws: `python -m training.judge`.

Writes src/negspace/judge/shipped/clip.json and quality.json: each concept goes to the embedded CLIP or to the
classical measures, whichever detects it better on scenes that neither was trained on. A concept that neither
detects is left out, so that no guess is taken for a verdict. Run it again whenever the weights of `clip/` or
`vae/` change. About twelve minutes on one core.

The model's pictures come out of a decoder, so half of the scenes go through the autoencoder first, except
where it smooths the concept away. For a thing that belongs to a subject, the model redraws further scenes in
the last third of its steps while it avoids the thing: so half-finished hats are among the examples, and what
is in a picture is still known from its scene. For such things CLIP also reads the upper middle of the picture
by itself.
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

import negspace
from negspace.engine import BatchesUpTo
from negspace.judge import Calibration, ConceptDetector, Quality, ScoringJudge
from negspace.judge.judges.embedded import CALIBRATIONS, embedded_clip
from negspace.models.files.source import EMBEDDED, find_folder
from training.settings import Settings
from training.world import Scene, render, sample, table
from training.world.captions import PLACE_FORMS

_FIRST = 600_000_000
"""Scenes from this seed on are in nobody's training set."""

_SIDE = Settings().larger.side
"""Of the pictures, in pixels: that of the model's own."""

_SMOOTHED = frozenset({"noise", "jpeg artifacts"})
_CATCH = 0.99
"""The share of pictures with a concept in which it must be seen."""

_CATCH_OWN, _MARGIN_OWN = 0.995, 4.0
"""The same for things that belong to a subject, which policies block, and by how many log odds the threshold
is lower than that: the model's failures are stranger than any example. Hats that a margin of 2 missed (6 of
982 delivered snowmen) were 0.2 to 1.7 below it.
"""

_VIEWS = ((0.1875, 0.0, 0.6875, 0.5), (0.3125, 0.0, 0.8125, 0.5))
_REDRAWN = 0.35
"""The share of the steps that redraw a scene: with more, the concept may be gone."""

_MOST_ALARMS = 0.6
"""A judge that sees a thing in a larger share of pictures without it does not get that concept."""


def prompts(concept: table.Concept) -> ConceptDetector:
    """The prompts of a concept for CLIP: captions of scenes with it, and of the same scenes without."""
    others = [other for other in table.of(concept.kind) if other.name != concept.name]
    if concept.kind == "subject":
        present = [f"a {word}" for word in concept.words]
        absent = [f"a {other.words[0]}" for other in others]
    elif concept.kind == "place":
        forms = [form for form in PLACE_FORMS[concept.name]]
        present = [f"a house {form.format(word)}" for form in forms for word in concept.words]
        absent = [f"a house {PLACE_FORMS[other.name][0].format(other.words[0])}" for other in others]
    else:
        subjects = concept.only or tuple(subject.name for subject in table.of("subject"))
        absent = [f"a {name}, {place.name}" for name in subjects for place in table.of("place")]
        present = [f"{scene}, {word}" for scene in absent for word in concept.words]
    return ConceptDetector(threshold=0.0, also=concept.words, present=tuple(present), absent=tuple(absent))


def own_scenes(concept: table.Concept, count: int) -> list[Scene]:
    """Scenes of a concept's own subject, every other one with it, not cut off by the frame."""
    rng = Random(f"{_FIRST} {concept.name}")
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = sample(rng)
        if "cropped" not in scene.defects:
            scenes.append(_on(scene, concept, there=len(scenes) % 2 == 0))
    return scenes


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
    """Pictures encoded and decoded by the autoencoder."""
    made: list[Image.Image] = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 64):
            batch = np.stack([np.asarray(picture) for picture in pictures[start : start + 64]])
            x = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
            latents = autoencoder.encode(x, return_dict=False)[0].mode()
            y = autoencoder.decode(latents, return_dict=False)[0]
            values = ((y.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
            made += [Image.fromarray(each) for each in values]
    return made


def redrawn(scenes: Sequence[Scene], avoid: str, model: negspace.Model) -> list[Image.Image]:
    """Scenes as the model leaves them when it draws their last steps anew and avoids a thing."""
    made: list[Image.Image] = []
    for start in range(0, len(scenes), 50):
        requests = [
            negspace.Request(
                prompt=_plainly(scene),
                avoid=avoid,
                seed=1000 + start + number,
                start=negspace.Start(picture=negspace.Pixels.of(render(scene, _SIDE)), strength=_REDRAWN),
            )
            for number, scene in enumerate(scenes[start : start + 50])
        ]
        made += [result.images[0] for result in model.generate_all(requests)]
    return made


def _plainly(scene: Scene) -> str:
    """A plain prompt for a scene."""
    words = [f"a {scene.colour} {scene.subject}", scene.place]
    return ", ".join([*words, *(["night"] if scene.night else []), *(["snow"] if scene.snow else [])])


@dataclass(frozen=True)
class Pool:
    """Scenes, and the features of their pictures for both judges.

    Attributes:
        scenes: what is in them.
        decoded: [n], which of them went through the autoencoder.
        observed: features by judge, [n, d].
    """

    scenes: list[Scene]
    decoded: np.ndarray
    observed: dict[str, np.ndarray]

    @classmethod
    def of(cls, scenes: list[Scene], judges: dict[str, ScoringJudge], autoencoder: AutoencoderKL) -> Pool:
        """The scenes drawn, half of them decoded, and observed."""
        pictures = [render(scene, _SIDE) for scene in scenes]
        rng = Random(_FIRST)
        chosen = np.array([rng.random() < 0.5 for _ in scenes])
        places = np.flatnonzero(chosen)
        for number, picture in zip(places, decoded([pictures[i] for i in places], autoencoder), strict=True):
            pictures[number] = picture
        return cls(scenes, chosen, {name: judge.observe(pictures) for name, judge in judges.items()})

    def beside(
        self, scenes: list[Scene], pictures: list[Image.Image], judges: dict[str, ScoringJudge]
    ) -> Pool:
        """These scenes, and others as pictures that the model redrew, in turns."""
        count = min(len(scenes), len(self.scenes))
        order = np.arange(2 * count).reshape(2, count).T.ravel()

        def mixed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            return np.concatenate([np.concatenate([first[:count], second[:count]])[order], first[count:]])

        both = [scene for pair in zip(self.scenes, scenes, strict=False) for scene in pair]
        return Pool(
            [*both, *self.scenes[count:]],
            mixed(self.decoded, np.zeros(len(scenes), bool)),
            {name: mixed(self.observed[name], judge.observe(pictures)) for name, judge in judges.items()},
        )

    def having(self, concept: table.Concept) -> tuple[np.ndarray, np.ndarray]:
        """[n] and [n]: which scenes show a concept, and which could and do not."""
        there = np.array([scene.has(concept.name) for scene in self.scenes])
        fair = ~self.decoded if concept.name in _SMOOTHED else np.ones(len(there), bool)
        return there & fair, ~there & fair


def calibrate(count: int, own: int, remade: int, only: Sequence[str], out: Path) -> None:
    """Write both calibrations.

    Args:
        count: scenes of the world.
        own: scenes of each thing that belongs to a subject.
        remade: of these, how many more are redrawn by the model.
        only: what is calibrated anew; () is everything.
        out: folder of both files, whose other concepts stay.
    """
    clip = embedded_clip()
    made_from = f"{count} scenes of the drawn world, {own} of each thing on its subject"
    made_from += f" and {remade} redrawn (training/judge.py)"
    files = {
        "clip": Calibration(
            judge="zero_shot", made_for=clip.weights(), made_from=made_from, only=True, views=_VIEWS
        ),
        "quality": Calibration(judge="quality", made_for=Quality().weights(), made_from=made_from, only=True),
    }
    judges: dict[str, ScoringJudge] = {"clip": embedded_clip(files["clip"]), "quality": Quality()}
    autoencoder = AutoencoderKL.from_pretrained(find_folder(EMBEDDED).path / "vae", torch_dtype=torch.float32)
    model = negspace.load(EMBEDDED, batching=BatchesUpTo(64))
    rng = Random(_FIRST)
    world = Pool.of([sample(rng) for _ in range(count)], judges, autoencoder)
    kept = {name: Calibration.read(out / f"{name}.json") for name in files} if only else {}
    if only:
        anew = f"{', '.join(only)} from {made_from}"
        for name, file in files.items():
            before = [
                part for part in kept[name].made_from.split("; ") if not part.startswith(", ".join(only))
            ]
            update = {"concepts": kept[name].concepts, "made_from": "; ".join([*before, anew])}
            files[name] = file.model_copy(update=update)
    for concept in table.TABLE:
        if concept.kind == "colour" or (only and concept.name not in only):
            continue
        pool = world
        if concept.only:
            scenes = own_scenes(concept, own)
            pool = Pool.of(scenes, judges, autoencoder)
            if concept.kind == "accessory" and remade:
                again = scenes[:remade]
                pool = pool.beside(again, redrawn(again, concept.words[0], model), judges)
        detectors = {
            name: _detector(judge, name, concept, pool, world)
            for name, judge in judges.items()
            if name == "clip" or judge.knows(concept.name)
        }
        best = min(detectors, key=lambda name: _alarms(detectors[name]))
        detector = detectors[best]
        fate = best if detector.distinguishes and _alarms(detector) < _MOST_ALARMS else "left out"
        print(
            f"{concept.name:16} {fate:9} caught {detector.caught}, false alarms {detector.false_alarms}",
            flush=True,
        )
        if fate != "left out":
            files[best] = files[best].with_concept(concept.name, detector)
    for name, file in files.items():
        if name not in kept or file.concepts != kept[name].concepts:
            file.write(out / f"{name}.json")


def _detector(
    judge: ScoringJudge, name: str, concept: table.Concept, pool: Pool, world: Pool
) -> ConceptDetector:
    """The calibrated detector. What belongs to a subject is separated from bare subjects and from a third as
    many other scenes, and only then does CLIP use its views.
    """
    there, bare = pool.having(concept)
    seen = pool.observed[name]
    if name == "clip" and not concept.only:
        seen = seen[:, : seen.shape[1] // (1 + len(_VIEWS))]
    present, absent = seen[there], seen[bare]
    if concept.only:
        others = world.observed[name][world.having(concept)[1]][: len(absent) // 3]
        absent = np.random.default_rng(_FIRST).permutation(np.concatenate([absent, others]))
    blank = prompts(concept) if name == "clip" else judge.default_detector(concept.name)
    blank = blank.model_copy(update={"also": concept.words})
    if name == "clip" and concept.only:
        return judge.calibrate(concept.name, blank, present, absent, _CATCH_OWN, _MARGIN_OWN)
    return judge.calibrate(concept.name, blank, present, absent, _CATCH)


def _alarms(detector: ConceptDetector) -> float:
    return detector.false_alarms.share if detector.false_alarms else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=int, default=2400, help="of the whole world")
    parser.add_argument("--own", type=int, default=1200, help="of each thing that belongs to a subject")
    parser.add_argument("--out", type=Path, default=CALIBRATIONS, help="folder of both files")
    parser.add_argument("--redrawn", type=int, default=800, help="of each accessory, by the model")
    parser.add_argument("--only", nargs="*", default=[], help="calibrate these anew, and leave the others")
    options = parser.parse_args()
    calibrate(options.scenes, options.own, options.redrawn, options.only, options.out)


if __name__ == "__main__":
    main()
