"""A world that is only numbers: what is in a picture is drawn by chance from what its request says."""

import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from negspace.avoid.terms import content_words
from negspace.facts import EncoderFacts, ModelFacts
from negspace.lab.arms import ablation
from negspace.lab.picture_store import PictureRecord, PictureSpec
from negspace.lab.question import Alternative, Question
from negspace.lab.results import ProofSizes
from negspace.lab.study import Study, StudyResult
from negspace.lab.witness import Witness
from negspace.planning.plan import plan
from negspace.request import Avoid, Request

THINGS = ("cat", "hat", "smoke", "fish", "snow", "blurry", "star", "text")
FACTS = ModelFacts(
    name="numbers", encoders=(EncoderFacts(words=frozenset({*THINGS, "fuzzy", "tree", "boat", "house"})),)
)


class Words(Witness):
    """Sees the things of the world; "fuzzy" is another word for blurry. Pictures show a number of things."""

    name = "numbers"

    @property
    def things(self) -> tuple[str, ...]:
        return THINGS

    def named(self, text: str) -> tuple[str, ...]:
        words = ["blurry" if word == "fuzzy" else word for word in content_words(text)]
        return tuple(dict.fromkeys(word for word in words if word in THINGS))

    def look(self, pictures: Sequence[Image.Image]) -> list[frozenset[str]]:
        """Each thing is there or not by one bit of the picture's own pixels."""
        bits = [hashlib.sha256(picture.tobytes()).digest()[0] for picture in pictures]
        return [frozenset(thing for n, thing in enumerate(THINGS) if bit >> n & 1) for bit in bits]

    def features(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        return np.stack([np.asarray(picture, np.float32).reshape(-1) for picture in pictures])


@dataclass
class World:
    """Draws pictures.

    Attributes:
        unasked: how often a thing is there that nobody asked for.
        left: the share of it that a negative which names it leaves.
        lost: how often what is asked for is lost where a negative names the thing.
        made: every picture that was drawn, in order.
    """

    unasked: Mapping[str, float]
    left: Mapping[str, float] = field(default_factory=dict)
    lost: Mapping[str, float] = field(default_factory=dict)
    made: list[tuple[str, int]] = field(default_factory=list)

    def record(self, spec: PictureSpec) -> PictureRecord:
        """The record of a picture. What is drawn depends on its seed, thing by thing, as on paired noise."""
        words, request = Words(), spec.request
        terms = [avoided.term for avoided in request.avoid or () if isinstance(avoided, Avoid)]
        avoided = [thing for term in terms for thing in words.named(term)]
        seen: list[str] = []
        for thing in THINGS:
            there = random.Random(f"{thing} {request.seed}").random()
            if thing in words.named(request.prompt):
                lost = sum(self.lost.get(thing, 0.0) for thing in avoided)
                seen += [thing] if there >= lost else []
            elif there < self.unasked.get(thing, 0.0) * (
                self.left.get(thing, 1.0) if thing in avoided else 1.0
            ):
                seen.append(thing)
        key = hashlib.sha256(repr(spec).encode()).hexdigest()
        self.made.append((key, spec.copy))
        pixels = hashlib.sha256(f"{request.seed} {request.avoid} {request.rule} {request.scale}".encode())
        return PictureRecord(
            key=key,
            witness="numbers",
            sha256=pixels.hexdigest(),
            seen=tuple(sorted(seen)),
            evaluations=40,
            tokens=dict.fromkeys(terms, 1),
            acted=bool(request.avoid),
        )


def question(
    *terms: str, prompts: tuple[str, ...] = ("a cat",), sizes: ProofSizes | None = None, **fields: Any
) -> Question:
    """A question about terms in the world of numbers."""
    avoid = tuple(Avoid(term=term) for term in terms)
    base = Request.from_dict({"prompt": prompts[0], "avoid": avoid, **fields})
    return Question(
        prompts,
        base,
        plan(base, FACTS),
        ablation(avoid, unrelated="tree", words=("boat", "house", "star", "text", "snow", "tree", "cat")),
        (Alternative("scale 2", scale=2.0), Alternative("early", window=(0.0, 0.6))),
        3.0,
        sizes or ProofSizes(),
        0.05,
        0.1,
    )


def run(question: Question, world: World) -> StudyResult:
    """A study of a question, to its end."""
    study, records, count = Study(question, Words()).run(), None, 0
    while True:
        try:
            needed = next(study) if records is None else study.send(records)
        except StopIteration as end:
            assert count <= question.most
            return end.value
        count += len(needed.specs)
        assert needed.specs and count + needed.left_after <= question.most
        records = [world.record(spec) for spec in needed.specs]
