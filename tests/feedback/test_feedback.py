"""Feedback: complaints become changes that name their source and can be undone; thumbs by an exact test."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from bench.feedback import OPEN_LOTS, read, score, score_everyday, wilson
from negspace.avoid import AvoidList
from negspace.avoid.merging import Claim, Rank, merge
from negspace.errors import RequestError
from negspace.feedback.revision import revise
from negspace.feedback.thumbs import fisher, from_thumbs
from negspace.request import Avoid


def told(complaint: str, avoid: str | None = None) -> list[tuple[str, str]]:
    return [(change.concept, change.direction) for change in revise(avoid, complaint).changes]


def weights(several: AvoidList) -> dict[str, float]:
    return {avoid.term: avoid.weight for avoid in several.avoids}


@pytest.mark.parametrize(
    ("complaint", "changes"),
    [
        (
            "the fingers look odd, too dark, and lose the watermark",
            [("hands", "avoid"), ("dark", "less"), ("watermark", "avoid")],
        ),
        ("less cartoonish", [("cartoon", "less")]),
        ("bring the hat back", [("hat", "allow")]),
        ("remove the teapot", [("teapot", "avoid")]),
        ("too many teapots", [("teapot", "less")]),
        ("lose the hat and the scarf", [("hat", "avoid"), ("scarf", "avoid")]),
        ("I want it sharper", [("blurry", "less")]),
        ("the colours are too loud", [("oversaturated", "less")]),
        ("less colours please", []),  # too general to be avoided
        ("great picture", []),
        ("I love the house", []),
        ("", []),
        ("?!", []),
        ("remove the watermark but the text can stay", [("watermark", "avoid"), ("text", "allow")]),
        ("no hat. Actually, keep the hat", [("hat", "allow")]),
    ],
)
def test_complaints_are_understood(complaint: str, changes: list[tuple[str, str]]) -> None:
    assert told(complaint) == changes


def test_a_fault_that_is_named_is_told_by_its_name() -> None:
    assert weights(revise(None, "the hand has extra fingers").avoid_list) == {"extra fingers": 1.0}
    assert weights(revise(None, "the hands look odd").avoid_list) == {"bad hands": 1.0}


def test_weights_follow_what_is_said() -> None:
    assert weights(revise(None, "it's blurry").avoid_list) == {"blurry": 1.0}
    assert weights(revise(None, "really blurry").avoid_list) == {"blurry": 1.3}
    assert weights(revise("blurry", "still blurry").avoid_list) == {"blurry": 1.62}
    assert weights(revise("(blurry:1.9)", "still blurry").avoid_list) == {"blurry": 2.0}


def test_what_is_complained_of_is_looked_for() -> None:
    once = revise(None, "lose the hat")
    assert once.avoid_list.avoids[0].check == "retry"
    twice = revise(once.avoid_list, "there is still a hat")
    assert twice.avoid_list.avoids[0].check == "retry"
    assert twice.undo(twice.changes[0]).avoid_list == once.avoid_list
    blocked = Avoid(term="hat", check="block")
    assert revise([blocked], "lose the hat").avoid_list.avoids[0].check == "block"
    assert revise([blocked], "bring the hat back a bit").avoid_list.avoids[0].check == "block"
    assert weights(revise("hat, text", "bring the hat back").avoid_list) == {"text": 1.0}
    assert weights(revise("(shadows:1.2)", "some shadows would be okay").avoid_list) == {"shadows": 0.6}


def test_a_term_that_is_there_in_other_words_is_the_one_that_changes() -> None:
    revision = revise("bad hands, Hats", "the fingers look odd, and the hat can stay")
    assert weights(revision.avoid_list) == {"bad hands": 1.25}
    assert revision.avoid_list.terms[0].origins == ("user", "feedback")


def test_each_change_names_its_feedback_and_can_be_undone() -> None:
    complaint = "too dark, and bring the hat back"
    revision = revise("hat", complaint)
    dark, hat = revision.changes
    assert dark.feedback == hat.feedback == complaint and dark.clause == "too dark"
    assert weights(revision.avoid_list) == {"dark": 0.8}
    assert weights(revision.undo(hat).avoid_list) == {"dark": 0.8, "hat": 1.0}
    once = revision.undo(dark)
    assert once.changes == (hat,) and weights(once.avoid_list) == {}
    with pytest.raises(RequestError, match="not one of this revision"):
        once.undo(dark)


def test_a_locked_term_is_never_let_go() -> None:
    locked = Avoid(term="hat", weight=1.2, source="p@1", locked=True)
    several = merge([Claim.of(locked, Rank.LOCKED)])[0]
    revision = revise(several, "bring the hat back")
    (change,) = revision.changes
    assert revision.avoid_list == several and change.direction == "allow"
    assert "locked by p@1" in str(change.why_not)


def test_what_cannot_be_allowed_says_why() -> None:
    (change,) = revise("text", "bring the hat back").changes
    assert change.why_not == "'hat' is not avoided"


def test_a_complaint_has_a_length() -> None:
    with pytest.raises(RequestError, match="2,000"):
        revise(None, "too dark, " * 1000)


@settings(deadline=None)
@given(st.text(max_size=80), st.sampled_from(["hat, blurry", "", "(bad hands:1.5), text"]))
def test_undoing_everything_gives_the_list_back(complaint: str, avoid: str) -> None:
    revision = revise(avoid, complaint)
    for change in reversed(revision.changes):
        revision = revision.undo(change)
    assert weights(revision.avoid_list) == weights(AvoidList.of(avoid))


def test_the_halves_are_understood() -> None:
    """The open half made the lexicon; the held-back half must reach the goal on its own."""
    complaints = read()
    assert len(complaints) >= 200
    assert score("open", complaints).share >= 0.95
    assert score("held", complaints).share >= 0.85
    everyday = score_everyday("open"), score_everyday("held")
    assert everyday[0].share >= 0.95 and not everyday[0].wrong_way
    assert everyday[1].share >= 0.8
    for lot in OPEN_LOTS:
        assert score_everyday(lot).share >= 0.92, lot


def test_wilson_by_hand() -> None:
    low, high = wilson(90, 100)
    assert (round(low, 4), round(high, 4)) == (0.8256, 0.9448)


@given(*[st.integers(0, 12)] * 4)
@settings(deadline=None, max_examples=60)
def test_fisher_is_scipys(a: int, b: int, c: int, d: int) -> None:
    if a + b + c + d == 0:
        return  # SciPy has no distribution over nothing
    theirs = hypergeom.sf(a - 1, a + b + c + d, a + c, a + b)
    assert fisher(a, b, c, d) == pytest.approx(float(theirs), abs=1e-12)


def test_thumbs_propose_what_disliked_pictures_have() -> None:
    disliked = [{"hat": True, "snow": number % 2 == 0} for number in range(10)]
    liked = [{"hat": False, "snow": number % 2 == 0} for number in range(10)]
    (proposal,) = from_thumbs(disliked, liked)
    assert (proposal.concept, proposal.disliked, proposal.liked) == ("hat", 10, 0)
    assert proposal.p_value == pytest.approx(1 / 184756)
    assert from_thumbs(disliked[:2], liked[:2]) == ()
    assert from_thumbs([], []) == ()


def test_thumbs_are_tested_as_a_family() -> None:
    """4 of 4 against 0 of 4 is p = 1/70: enough for one concept, not for one of five."""
    alone = from_thumbs([{"hat": True}] * 4, [{"hat": False}] * 4)
    others = {f"c{number}": False for number in range(4)}
    among = from_thumbs([{"hat": True, **others}] * 4, [{"hat": False, **others}] * 4)
    assert len(alone) == 1 and among == ()


def test_thumbs_refuse_pictures_that_cannot_be_compared() -> None:
    with pytest.raises(RequestError, match="same concepts"):
        from_thumbs([{"hat": True}], [{"snow": True}])
    with pytest.raises(RequestError, match="level"):
        from_thumbs([{"hat": True}], [{"hat": True}], level=0)
