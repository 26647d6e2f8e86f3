"""Judges of real pictures: nudity, blank pictures, every judge together, and families of defects."""

from collections.abc import Sequence
from math import isclose

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from negspace.errors import JudgeError
from negspace.judge import ConceptDetector, Judge, JudgeVerdict, open_judge
from negspace.judge.base import JudgeClock, Jury, Panel
from negspace.judge.families import defects, family_of
from negspace.judge.intervals import jeffreys
from negspace.judge.judges.nudity import NudityJudge
from negspace.judge.judges.quality import border, flatness, greyness
from negspace.judge.packages import needed
from negspace.judge.pool import each
from negspace.records import Verdict


class Fixed(Judge):
    """Answers each concept that it knows in one way."""

    def __init__(self, name: str, answers: dict[str, Verdict]) -> None:
        self.name, self.answers = name, answers

    def knows(self, concept: str) -> bool:
        return concept in self.answers

    def concepts(self) -> tuple[str, ...]:
        return tuple(self.answers)

    def look(
        self, pictures: Sequence[Image.Image], concepts: Sequence[str]
    ) -> list[tuple[JudgeVerdict, ...]]:
        row = [JudgeVerdict(concept=name, judge=self.name, verdict=self.answers[name]) for name in concepts]
        return [tuple(row) for _ in pictures]

    def fingerprint(self) -> str:
        return self.name


BLANK = Image.new("RGB", (64, 64), "gray")
VERDICTS: tuple[Verdict, ...] = ("seen", "absent", "unknown")


def test_a_jury_asks_everybody_and_a_panel_the_first() -> None:
    first = Fixed("first", {"hat": "absent", "cap": "unknown"})
    second = Fixed("second", {"hat": "seen", "cap": "absent", "fog": "unknown"})
    concepts = ("hat", "cap", "fog", "hand")
    (jury,) = Jury([first, second]).look([BLANK], concepts)
    assert [verdict.verdict for verdict in jury] == ["seen", "absent", "unknown", "unknown"]
    assert jury[0].judge == "second" and jury[3].why_not == "no judge knows it"
    (panel,) = Panel([first, second]).look([BLANK], concepts)
    assert [verdict.verdict for verdict in panel] == ["absent", "unknown", "unknown", "unknown"]


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=4))
def test_a_jury_never_says_absent_where_a_member_sees_it(answers: list[Verdict]) -> None:
    members = [Fixed(str(index), {"hat": answer}) for index, answer in enumerate(answers)]
    ((verdict,),) = Jury(members).look([BLANK], ["hat"])
    expected = "seen" if "seen" in answers else "absent" if "absent" in answers else "unknown"
    assert verdict.verdict == expected


def test_each_member_is_timed_by_its_name() -> None:
    clock = JudgeClock()
    members = [Fixed("a", {"hat": "absent"}), Fixed("b", {"fog": "absent"}), Fixed("c", {"sea": "absent"})]
    timed = Jury([Panel(members[:2]), members[2]]).timed(clock)
    assert timed.look([BLANK], ["hat", "sea"])[0][0].verdict == "absent"
    assert set(clock.milliseconds()) == {"a", "c"} and min(clock.milliseconds().values()) >= 0


def test_the_automatic_judge_leaves_unknown_what_nobody_can_see() -> None:
    judge = open_judge("auto")
    assert all(judge.knows(term) for term in ("watermark", "signature", "username", "nudity", "blurry"))
    assert not any(judge.knows(term) for term in ("extra fingers", "bad hands", "gore", "swastika"))
    ((hands,),) = judge.look([BLANK], ["extra fingers"])
    assert hands.verdict == "unknown"
    with pytest.raises(JudgeError, match="takes no text"):
        open_judge("auto:x")


def test_nudity_leaves_what_its_makers_leave_open_to_people() -> None:
    judge = NudityJudge()
    assert [judge.default_detector("nude").verdict(score)[0] for score in (0.1, 0.2, 0.79, 0.8)] == [
        "absent",
        "unknown",
        "unknown",
        "seen",
    ]
    assert ConceptDetector(threshold=0.8).verdict(0.79) == ("absent", None)
    ((nude, hat),) = judge.look([BLANK], ("nsfw", "hat"))
    assert (nude.verdict, nude.unit, hat.verdict) == ("absent", "probability", "unknown")


def test_measures_of_blank_grey_and_framed_pictures_by_hand() -> None:
    half = np.zeros((10, 10, 3))
    half[:4] = 200.0
    assert flatness(np.full((8, 8, 3), 77.0)) == 1.0 and isclose(flatness(half), 0.6)
    assert greyness(np.full((8, 8, 3), 77.0)) == 1.0
    framed = np.random.default_rng(0).uniform(0, 100, (10, 10, 3))
    framed[:1] = framed[-2:] = 255.0
    assert isclose(border(framed), 0.3)


def test_correlated_defects_are_one_family() -> None:
    def verdict(term: str, score: float, answer: Verdict = "seen") -> JudgeVerdict:
        return JudgeVerdict(concept=term, judge="j", verdict=answer, score=score, unit="probability")

    found = defects([verdict("text", 0.9), verdict("watermark", 0.6), verdict("nudity", 0.1, "absent")])
    assert found.keys() == {"marks"} and isclose(found["marks"], 1 - 0.1 * 0.4)
    assert family_of("Usernames") == "marks" and family_of("teapot") == "teapot"
    measured = JudgeVerdict(concept="blurry", judge="j", verdict="seen", score=0.7, unit="blur effect")
    assert defects([measured]) == {"sharpness": 1.0}


@settings(deadline=None)  # scipy is imported at the first call
@given(st.integers(1, 400), st.floats(0, 1))
def test_the_interval_of_beta_holds_the_share(count: int, share: float) -> None:
    hits = round(share * count)
    low, high = jeffreys(hits, count)
    assert 0 <= low <= hits / count <= high <= 1


def test_the_interval_of_beta_by_hand() -> None:
    """Jeffreys' upper bound of 0 of 200 is the 97.5 % quantile of Beta(0.5, 200.5)."""
    low, high = jeffreys(0, 200)
    assert low == 0 and isclose(high, 0.01247, abs_tol=2e-5)


def test_threads_keep_the_order_and_hand_errors_on() -> None:
    assert each(lambda number: number * number, range(50)) == [number * number for number in range(50)]
    with pytest.raises(ZeroDivisionError):
        each(lambda number: 1 // number, [1, 0])


def test_a_missing_package_is_one_line_that_says_what_to_install() -> None:
    with pytest.raises(JudgeError, match=r"the judge text needs nowhere, .*pip install 'negspace\[judges\]'"):
        needed("nowhere", "text", "'negspace[judges]'")
