"""Turns: many beside each other, one alone, nobody forgotten."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import negspace as ns
from negspace.engine import FixedBatches
from negspace.models.network.lock import ReadWriteLock
from negspace.request import Request


def test_one_is_alone_and_others_are_beside_each_other() -> None:
    turns, meeting, state = (
        ReadWriteLock(),
        threading.Barrier(2, timeout=10),
        {"beside": 0, "most": 0, "alone": 0},
    )
    lock = threading.Lock()

    def beside() -> None:
        with turns.shared():
            with lock:
                state["beside"] += 1
                assert not state["alone"]
            meeting.wait()  # nobody gets past it without a companion
            with lock:
                state["beside"] -= 1

    def alone() -> None:
        with turns.exclusive():
            state["alone"] += 1
            assert state["beside"] == 0 and state["alone"] == 1
            time.sleep(0.01)
            state["alone"] -= 1

    with ThreadPoolExecutor(4) as crew:
        for _ in range(5):
            done = [crew.submit(task) for task in (beside, beside)] + [crew.submit(alone)]
            for one in done:
                one.result(10)


def test_who_waits_to_be_alone_goes_before_who_comes_later() -> None:
    turns, order = ReadWriteLock(), list[str]()
    with ThreadPoolExecutor(2) as crew:
        with turns.shared():
            waits = crew.submit(lambda: _noted(turns, "exclusive", order))
            while not turns._waiting:
                assert not waits.done(), waits.result()
                time.sleep(0.001)
            comes = crew.submit(lambda: _noted(turns, "shared", order))
            time.sleep(0.02)
            assert not order
        waits.result(10)
        comes.result(10)
    assert order == ["exclusive", "shared"]


def test_a_turn_is_given_back_after_an_error() -> None:
    turns = ReadWriteLock()
    for kind in (turns.shared, turns.exclusive):
        try:
            with kind():
                raise RuntimeError
        except RuntimeError:
            pass
    with turns.exclusive():
        pass


def test_threads_that_change_a_network_spoil_nothing_for_others(tiny_sd: Path) -> None:
    model = ns.load(tiny_sd, dtype="float32", batching=FixedBatches(2))
    rules = ("cfg", "pag", "nag", "slg") * 3
    asked = [Request(prompt="a cat", avoid="hat", rule=rule, steps=4, seed=i) for i, rule in enumerate(rules)]

    def hashes(request: Request) -> str:
        return model.run(model.plan(request)).result().receipt.images[0].sha256

    alone = [hashes(request) for request in asked]
    with ThreadPoolExecutor(4) as crew:
        assert list(crew.map(hashes, asked)) == alone


def _noted(turns: ReadWriteLock, kind: str, order: list[str]) -> None:
    with getattr(turns, kind)():
        order.append(kind)
