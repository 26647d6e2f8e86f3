"""The drawn world keeps what its table promises."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from training import oracle, tokenizer
from training.world import Scene, caption, docs, render, sample, table

SCENES = [sample(Random(i)) for i in range(4000)]
_SAID = Random(-1)
CAPTIONS = [caption(scene, _SAID) for scene in SCENES]


def test_the_same_scene_gives_the_same_pixels() -> None:
    for scene in SCENES[:40]:
        assert render(scene).tobytes() == render(scene).tobytes()


@pytest.mark.parametrize("side", [64, 96, 128])
def test_any_side_can_be_drawn(side: int) -> None:
    assert render(SCENES[0], side).size == (side, side)


@pytest.mark.parametrize("defect", [(), ("noise",), ("jpeg artifacts",), ("watermark",), ("blurry",)])
def test_a_larger_picture_shrinks_to_the_smaller_one(defect: tuple[str, ...]) -> None:
    """So what is wrong with a picture of twice the side is as wrong: the judges look at the smaller one."""
    for scene in SCENES[:12]:
        small, large = (render(replace(scene, defects=defect, style=None), side) for side in (64, 128))
        shrunk = np.asarray(large.resize((64, 64), Image.Resampling.BOX), dtype=float)
        assert np.abs(shrunk - np.asarray(small)).mean() < 6


def test_every_concept_changes_the_picture() -> None:
    """Leaving out any one thing that is drawn on top leaves a picture that differs where it was."""
    plain = Scene("house", "red", "meadow", False, False, None, None, (), 0, 32, 34, 1.0, 1)
    changed = {
        "night": replace(plain, night=True),
        "snow": replace(plain, snow=True),
        "smoke": replace(plain, accessory="smoke"),
        **{c.name: replace(plain, style=c.name) for c in table.of("style")},
        **{c.name: replace(plain, defects=(c.name,)) for c in table.of("defect") if not c.only},
    }
    changed["cropped"] = replace(changed["cropped"], x=6.0)
    before = np.asarray(render(plain), dtype=float)
    for name, scene in changed.items():
        assert np.abs(np.asarray(render(scene), dtype=float) - before).mean() > 0.5, name


def test_things_appear_as_often_as_the_table_says() -> None:
    many = [sample(Random(i)) for i in range(6000)]  # a twelfth of them are hands
    for concept in table.TABLE:
        among = [s for s in many if not concept.only or s.subject in concept.only]
        if concept.kind == "colour":
            among = [s for s in among if s.has_colour]
        share = sum(s.has(concept.name) for s in among) / len(among)
        assert share == pytest.approx(concept.rate, abs=0.08), concept.name


def test_defects_and_accessories_are_mostly_left_unsaid() -> None:
    told: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for scene, words in zip(SCENES, CAPTIONS, strict=True):
        for concept in (*table.of("defect"), *table.of("accessory")):
            if scene.has(concept.name):
                there[concept.name] += 1
                told[concept.name] += any(re.search(rf"\b{w}\b", words) for w in concept.words)
    for name, count in there.items():
        expected = (
            0.92 * table.named(name).caption_share + 0.08 * 0.8
        )  # the second: captions that tell it all
        assert expected < 0.45 and abs(told[name] / count - expected) < 0.12, name


def test_a_caption_says_nothing_that_is_not_so() -> None:
    kinds = ("subject", "colour", "place", "light", "weather", "accessory", "style", "defect")
    named = {word: c.name for kind in kinds for c in table.of(kind) for word in c.words if " " not in word}
    for scene, text in zip(SCENES, CAPTIONS, strict=True):
        for word in set(re.findall(r"[a-z]+", text)) & named.keys():
            assert scene.has(named[word]), (word, scene)


def test_every_word_is_one_token_and_an_unknown_one_is_not() -> None:
    words = tokenizer.build()
    known = set(tokenizer.words())
    for text in CAPTIONS:
        assert set(re.findall(r"[a-z0-9]+", text)) <= known
    assert all(len(words.tokenize(word)) == 1 for word in known)
    assert all(len(words.tokenize(word)) > 1 for word in ("teapot", "dragon", "xylophone", "blurriest"))


def test_truth_has_an_answer_for_every_head() -> None:
    for scene in SCENES[:200]:
        for head, answer in zip(oracle.heads(), oracle.truth(scene), strict=True):
            assert -1 <= answer < len(head.options)
    assert any(oracle.truth(s)[0] == 0 for s in SCENES)


def test_the_docs_page_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "world.md"
    assert page.read_text() == docs.page(), "run `make docs`"
