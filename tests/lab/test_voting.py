"""A person's vote: blind, kept at once, taken up again, and over a real page."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import negspace as ns
from negspace.errors import LabError
from negspace.generate import Model
from negspace.lab.proof import Proof
from negspace.lab.voting import Answer, BlindPair, VotingSession
from negspace.lab.voting_page import VotingServer
from negspace.lab.witness import BlindWitness


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


@pytest.fixture
def proof(model: Model, tmp_path: Path) -> Iterator[Proof]:
    asked = Proof(
        "a cat",
        "hat, blurry, zeppelin",
        model,
        folder=tmp_path,
        witness=BlindWitness(),
        steps=1,
        sampler="DDIM",
    )
    with asked:
        yield asked


def with_it(duel: BlindPair) -> Answer:
    """Who wants the hat to go, and nothing else: the picture with the negative is as asked."""
    if duel.term != "hat":
        return "both"
    return "right" if duel.without_left else "left"


def voted(booth: VotingSession, answer: Callable[[BlindPair], Answer], most: int = 1000) -> list[BlindPair]:
    shown: list[BlindPair] = []
    while len(shown) < most and (duel := booth.next_pair()) is not None:
        shown.append(duel)
        booth.vote(duel.number, answer(duel))
    return shown


def test_votes_become_verdicts(proof: Proof, tmp_path: Path) -> None:
    with VotingSession(proof, tmp_path, pairs=32) as booth:
        shown = voted(booth, with_it)
        found = booth.result()
    assert {term: one.kind for term, one in found.verdicts.items()} == {
        "hat": "helps",
        "blurry": "no_evidence",
        "zeppelin": "unknown",
    }
    assert found.smallest_list == ("hat",) and found.verdicts["hat"].effect == 1.0
    assert sum(duel.term == "hat" for duel in shown) < 32  # left once it is shown
    assert 8 < sum(duel.without_left for duel in shown) < len(shown) - 8  # sides are random
    assert "a person" in found.witness and found.answer.startswith("Yes, for hat;")


def test_a_vote_goes_on_where_it_stopped(proof: Proof, tmp_path: Path) -> None:
    with VotingSession(proof, tmp_path / "whole", pairs=16) as booth:
        whole = voted(booth, with_it)
        found = booth.result()
    again: list[BlindPair] = []
    for _ in range(100):
        with VotingSession(proof, tmp_path / "cut", pairs=16) as booth:
            some = voted(booth, with_it, most=3)
            again += some
            if not some:
                assert booth.result() == found
                break
    assert again == whole


def test_a_vote_for_another_pair_is_refused(proof: Proof, tmp_path: Path) -> None:
    with VotingSession(proof, tmp_path) as booth:
        booth.vote(1, "both")
        with pytest.raises(LabError, match="not for the pair at hand"):
            booth.vote(1, "both")
        assert booth.voted == 1


def called(url: str, body: object = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.read()


def test_the_page_shows_two_pictures_and_does_not_tell_which_is_which(proof: Proof, tmp_path: Path) -> None:
    with VotingSession(proof, tmp_path, pairs=8) as booth, VotingServer(booth) as desk:
        page = called(desk.url).decode()
        assert "ArrowLeft" in page and "http" not in page.split("</style>")[0]
        pair = json.loads(called(f"{desk.url}pair"))
        assert (pair["number"], pair["prompt"], pair["done"]) == (1, "a cat", False)
        assert set(pair) == {"number", "voted", "most", "prompt", "avoid", "done"}
        duel = booth.next_pair()
        assert duel is not None
        for side, picture in zip(("left", "right"), booth.pictures(duel), strict=True):
            sent = called(f"{desk.url}picture/1/{side}")
            assert sent.startswith(b"\x89PNG") and b"negative" not in sent and b"tEXt" not in sent
            assert picture.size == (64, 64)
        assert json.loads(called(f"{desk.url}vote", {"number": 1, "answer": "both"})) == {"voted": 1}
        for body, code in (({"number": 1, "answer": "both"}, 409), ({"number": 2, "answer": "none"}, 422)):
            with pytest.raises(urllib.error.HTTPError) as caught:
                called(f"{desk.url}vote", body)
            assert caught.value.code == code
            caught.value.close()
        assert not desk.wait(0)
        while not json.loads(called(f"{desk.url}pair"))["done"]:
            called(f"{desk.url}vote", {"number": booth.voted + 1, "answer": "neither"})
        assert desk.wait(5)
    lines = (tmp_path / "votes.jsonl").read_text().splitlines()
    assert len(lines) == booth.voted == 16
