"""The arms of an ablation: names, controls, and which comparison answers what."""

import pytest

from negspace.errors import LabError
from negspace.lab.arms import ablation
from negspace.request import Avoid

WORDS = ("tree", "boat", "Blurry", "collar", "night", "red")
THREE = (Avoid(term="blurry", weight=1.3), Avoid(term="red hat"), Avoid(term="snow", window=(0.1, 0.6)))


def test_every_term_is_left_out_and_tried_alone() -> None:
    made = ablation(THREE, unrelated="teapot", words=WORDS)
    assert [arm.name for arm in made.arms] == [
        "none",
        "whole",
        "alone blurry",
        "without blurry",
        "alone red hat",
        "without red hat",
        "alone snow",
        "without snow",
        "again",
        "unrelated",
        "random",
    ]
    assert made.arm("none").avoid is None and made.arm("again").avoid is None
    assert made.arm("whole").avoid == THREE
    assert made.arm("without red hat").avoid == (THREE[0], THREE[2])
    assert made.arm("alone snow").avoid == (THREE[2],)
    assert made.arm("unrelated").avoid == (Avoid(term="teapot"),)
    assert [(one.without, one.with_it) for one in made.comparisons if one.term == "red hat"] == [
        ("none", "alone red hat"),
        ("without red hat", "whole"),
    ]


def test_every_comparison_names_two_arms_and_every_arm_is_compared() -> None:
    made = ablation(THREE, unrelated="teapot", words=WORDS)
    names = [arm.name for arm in made.arms]
    compared = [name for one in made.comparisons for name in (one.without, one.with_it)]
    assert len(set(names)) == len(names) and set(names) == set(compared)


def test_one_term_is_the_whole_list() -> None:
    made = ablation(THREE[:1], unrelated="teapot", words=WORDS)
    assert [arm.name for arm in made.arms] == ["none", "whole", "again", "unrelated", "random"]
    asked = {one.kind: (one.without, one.with_it) for one in made.comparisons}
    assert asked["alone"] == asked["needed"] == asked["whole"] == ("none", "whole")


def test_random_words_are_as_many_foreign_and_repeatable() -> None:
    made = ablation(THREE, unrelated="teapot", words=WORDS, seed=4)
    drawn = [word for one in made.arm("random").avoid or () for word in one.term.split()]
    assert len(drawn) == len(set(drawn)) == 4 and set(drawn) <= {"tree", "boat", "collar", "night"}
    assert made == ablation(THREE, unrelated="teapot", words=WORDS[::-1], seed=4)


def test_what_cannot_be_designed_is_told() -> None:
    with pytest.raises(LabError, match="empty list"):
        ablation((), unrelated="teapot", words=WORDS)
    with pytest.raises(LabError, match="'snow' is there twice"):
        ablation((THREE[2], THREE[2]), unrelated="teapot", words=WORDS)
    with pytest.raises(LabError, match="itself avoided"):
        ablation(THREE, unrelated="Snow", words=WORDS)
    with pytest.raises(LabError, match="4 outside of the list are needed, the vocabulary has 1"):
        ablation(THREE, unrelated="teapot", words=("tree", "snow"))
    with pytest.raises(LabError, match="no arm is called 'hat'"):
        ablation(THREE, unrelated="teapot", words=WORDS).arm("hat")
