"""A judge as a witness: what a text names to it, and what it does not know is never taken for absent."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import negspace as ns
from negspace.errors import JudgeError, LabError
from negspace.judge import Judge, Panel, Quality
from negspace.judge.base import Picture, unknown
from negspace.lab import Proof
from negspace.lab.witness import JudgeWitness
from negspace.records import JudgeVerdict

FLAT = Image.new("RGB", (64, 64), (120, 120, 120))
GRAIN = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


class Bright(Judge):
    """Sees a snowman, and any other thing by its first letter, where a picture is bright."""

    name = "bright"

    def __init__(self, blind_to: str = "") -> None:
        self._blind_to = blind_to

    def knows(self, concept: str) -> bool:
        return concept != "zeppelin"

    def concepts(self) -> tuple[str, ...]:
        return ("snowman",)

    def look(self, pictures: Sequence[Picture], concepts: Sequence[str]) -> list[tuple[JudgeVerdict, ...]]:
        return [tuple(self._sight(one, concept) for concept in concepts) for one in pictures]

    def fingerprint(self) -> str:
        return "bright"

    def _sight(self, picture: Picture, concept: str) -> JudgeVerdict:
        if concept == self._blind_to:
            return unknown(concept, self.name, "it was asleep")
        seen = np.asarray(picture).mean() > 100
        return JudgeVerdict(concept=concept, judge=self.name, verdict="seen" if seen else "absent")


def test_a_text_names_what_the_judge_knows_and_else_its_parts() -> None:
    one = JudgeWitness(Bright(), ["a small snowman, the beach", "(hat:1.3), zeppelin"])
    assert one.named("a small snowman, the beach") == ("snowman", "beach")
    assert one.named("(hat:1.3), zeppelin") == ("hat",)
    assert one.things == ("snowman", "beach", "hat")
    assert one.look([FLAT, Image.new("RGB", (8, 8))]) == [frozenset({"snowman", "beach", "hat"}), frozenset()]


def test_measures_name_defects_alone() -> None:
    one = JudgeWitness(Quality(), ["a cat, beach", "grainy"])
    assert one.named("a cat, beach") == () and len(one.named("grainy")) == 1
    flat, grain = one.look([FLAT, GRAIN])
    assert one.named("grainy")[0] in grain - flat
    assert "no examples set its thresholds" in one.name


def test_each_concept_goes_to_the_judge_that_knows_it() -> None:
    one = JudgeWitness(Panel([Quality(), Bright()]), ["a snowman", "noise"])
    assert one.named("a snowman, noise") == ("snowman", "noise")
    assert {"snowman", "noise"} <= set(one.things)


def test_what_it_cannot_tell_is_not_absent() -> None:
    with pytest.raises(JudgeError, match="cannot tell whether 'hat' is there: it was asleep"):
        JudgeWitness(Bright("hat"), ["a snowman", "hat"]).look([FLAT])


def test_other_things_are_other_answers() -> None:
    one, other = (JudgeWitness(Bright(), ["a snowman", term]) for term in ("hat", "scarf"))
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == JudgeWitness(Bright(), ["hat", "a snowman"]).fingerprint


def test_a_judge_without_a_space_is_told() -> None:
    with pytest.raises(LabError, match="no space in which alike pictures"):
        JudgeWitness(Bright(), ["a snowman"]).features([FLAT])


def test_a_proof_by_measures(tiny_sd: Path, tmp_path: Path) -> None:
    """A model that nobody knows anything about is proved by what a judge sees."""
    model = ns.load(tiny_sd, dtype="float32")
    asked: dict[str, Any] = {"max_pictures": 110, "steps": 1, "sampler": "DDIM", "witness": Quality()}
    with Proof("a cat", "blurry, smoke", model, folder=tmp_path, **asked) as proof:
        report = proof.report()
    assert report.result.witness.startswith("quality")
    seen = report.verdicts["blurry"].there
    assert seen is not None and seen.pairs == report.verdicts["blurry"].pairs > 0
