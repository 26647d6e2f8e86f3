"""Lettering: rules on lines by hand, and the judge on pictures that are drawn here."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from negspace.judge import Calibration, open_judge
from negspace.judge.judges.text import LetteringJudge
from negspace.judge.lettering import (
    TextLine,
    is_address,
    is_gibberish,
    is_signature,
    is_username,
    is_watermark,
)

shares = st.floats(0, 1)


def line(words: str, top: float = 0.5, *, slant: float = 0.0, reading: float = 0.99) -> TextLine:
    corners = ((0.2, top), (0.6, top + slant), (0.6, top + slant + 0.05), (0.2, top + 0.05))
    return TextLine(words, reading, 0.8, corners)


def kinds(of: TextLine) -> set[str]:
    rules = {
        "username": is_username,
        "address": is_address,
        "watermark": is_watermark,
        "signature": is_signature,
        "gibberish": is_gibberish,
    }
    return {name for name, rule in rules.items() if rule(of)}


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (line("SUMMER SALE"), set()),
        (line("@mira.photo", 0.93), {"username"}),
        (line("mira@photo.example"), set()),
        (line("www.mira.example"), {"address", "watermark"}),
        (line("northwind.org/gallery", 0.93), {"address", "watermark"}),
        (line("© Getstock"), {"watermark"}),
        (line("PREVIEW"), {"watermark"}),
        (line("Do not copy", slant=-0.3), {"watermark"}),
        (line("mirrored", slant=-0.3), {"watermark"}),
        (line("A. Moreau", 0.93), {"signature"}),
        (line("A. Moreau", 0.02), {"signature"}),
        (line("A. Moreau"), set()),
        (line("a long sentence at the lower edge", 0.93), set()),
        (line("QXKEVWUTS", reading=0.5), {"gibberish"}),
    ],
    ids=lambda value: value.words if isinstance(value, TextLine) else "",
)
def test_what_kind_of_mark_a_line_is(of: TextLine, expected: set[str]) -> None:
    assert kinds(of) == expected


@given(st.text(), shares, shares, st.floats(0, 0.2))
def test_more_certainty_never_makes_lettering_less_likely(
    words: str, reading: float, detection: float, more: float
) -> None:
    corners = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    less = TextLine(words, reading, detection, corners)
    assert 0 <= less.probability <= 1
    assert TextLine(words, reading + more, detection, corners).probability >= less.probability
    assert TextLine(words, reading, detection + more, corners).probability >= less.probability


def test_textures_that_are_read_as_repeated_letters_are_no_lettering() -> None:
    for words in ("0000", "AAAA", "AAANAA", "C000", "", "OK"):
        assert line(words).probability == 0.0
    assert line("ABC").probability > 0.5


def picture(size: tuple[int, int] = (512, 512)) -> Image.Image:
    """A smooth ground, so that what is read on it was written there."""
    across, down = np.meshgrid(np.linspace(60, 120, size[0]), np.linspace(0, 40, size[1]))
    return Image.fromarray(np.stack([across, across / 2 + down, down + 40], axis=2).astype(np.uint8))


def written(words: str, at: tuple[int, int], size: int = 28) -> Image.Image:
    ground = picture()
    ImageDraw.Draw(ground).text(at, words, fill="white", font=ImageFont.load_default(size))
    return ground


@pytest.fixture(scope="module")
def judge() -> LetteringJudge:
    opened = open_judge("text")
    assert isinstance(opened, LetteringJudge)
    return opened


def seen(judge: LetteringJudge, pictures: Sequence[Image.Image], concepts: Sequence[str]) -> list[set[str]]:
    rows = judge.look(pictures, concepts)
    return [{verdict.concept for verdict in row if verdict.verdict == "seen"} for row in rows]


def test_marks_are_read_told_apart_and_placed(judge: LetteringJudge) -> None:
    pictures = [
        written("Happy Birthday", (130, 240)),
        written("@mira.photo", (340, 470)),
        written("www.mirapictures.com", (150, 300)),
        written("A. Moreau", (30, 468)),
        picture(),
    ]
    concepts = ("text", "lettering", "username", "watermark", "url", "signature")
    assert seen(judge, pictures, concepts) == [
        {"text", "lettering"},
        {"text", "lettering", "username"},
        {"text", "lettering", "watermark", "url"},
        {"text", "lettering", "signature"},
        set(),
    ]
    (verdict,) = judge.look(pictures[3:4], ("signature",))[0]
    ((left, top, right, bottom),) = verdict.boxes
    assert 0.03 < left < 0.08 < right < 0.4 and 0.88 < top < 0.95 < bottom <= 1
    assert verdict.words.replace(" ", "") == "A.Moreau"


@pytest.mark.parametrize("size", [(7, 5), (40, 900), (900, 40), (64, 64)])
def test_pictures_of_odd_sizes_are_looked_at(judge: LetteringJudge, size: tuple[int, int]) -> None:
    ((verdict,),) = judge.look([picture(size)], ("text",))
    assert verdict.verdict == "absent"


def test_what_it_does_not_know_is_unknown(judge: LetteringJudge) -> None:
    ((hat, text),) = judge.look([picture()], ("hat", "text"))
    assert (hat.verdict, text.verdict) == ("unknown", "absent") and hat.why_not
    assert judge.look([], ("text",)) == [] and judge.look([picture()], ()) == [()]


def test_a_calibration_moves_the_threshold_and_the_boxes_follow(judge: LetteringJudge) -> None:
    strict = Calibration(judge="text", made_for=judge.weights(), only=True)
    detector = judge.default_detector("text").model_copy(update={"threshold": 0.9999})
    closed = LetteringJudge(strict.with_concept("text", detector))
    ((text, username),) = closed.look([written("Happy Birthday", (130, 240))], ("text", "username"))
    assert (text.verdict, text.boxes, username.verdict) == ("absent", (), "unknown")
