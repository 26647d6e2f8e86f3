"""Workers: who makes the pictures changes nothing about them."""

import pickle
from collections.abc import Iterator, Sequence
from contextlib import closing
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest

import negspace as ns
from negspace.errors import LabError, PromptError
from negspace.generate import Model
from negspace.lab import Proof, Site
from negspace.lab.picture_maker import PictureMaker
from negspace.lab.picture_store import PictureSpec, PictureStore
from negspace.lab.workers import Batch, InProcess, MadePicture, Processes, Workers, make_batch, same_model
from negspace.request import Request
from tests.judges import Answering
from tests.lab.worlds import Words

ASKED: dict[str, Any] = {"max_pictures": 110, "steps": 1, "sampler": "DDIM", "witness": Words()}
REQUESTS = [Request(prompt="a cat", avoid="hat", seed=seed, steps=2) for seed in range(3)]


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def test_a_model_travels_without_its_weights(model: Model) -> None:
    travelled = pickle.dumps(model)
    assert len(travelled) < 20_000
    again = pickle.loads(travelled)
    assert same_model(again, model.network().fingerprint()) is again
    plans = list(map(model.plan, REQUESTS))
    for (one, receipt), (other, _) in zip(make_batch(again, plans), make_batch(model, plans), strict=True):
        assert one.tobytes() == other.tobytes() and receipt.images[0].seed in range(3)


def test_other_weights_elsewhere_are_told(model: Model) -> None:
    with pytest.raises(LabError, match="other weights here"):
        same_model(model, "0" * 64)


def test_an_error_with_a_place_travels() -> None:
    again = pickle.loads(pickle.dumps(PromptError("no", (1, 2))))
    assert isinstance(again, PromptError) and str(again) == "no" and again.span == (1, 2)


def test_a_withheld_picture_ends_a_measurement_in_one_line(tiny_sd: Path) -> None:
    judged = ns.load(tiny_sd, dtype="float32", judge=Answering(lambda _: "seen"))
    plan = judged.plan(Request(prompt="a cat", avoid="hat", check="block", steps=1, seed=3))
    with pytest.raises(LabError, match="withholds the picture of seed 3 .*let its checks only flag"):
        make_batch(judged, [plan])


def test_two_processes_prove_what_one_does(model: Model, tmp_path: Path) -> None:
    """The same numbers, the same pictures; and what one left off, two go on with."""
    with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "one", **ASKED) as proof:
        alone = proof.report()
    site = Site(workers=2)
    with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "two", site=site, **ASKED) as proof:
        together = proof.report()
        assert proof.made == together.result.pictures
    assert together.to_json() == alone.to_json()
    names = [sorted(file.name for file in (tmp_path / way / "pictures").iterdir()) for way in ("one", "two")]
    assert names[0] == names[1]


def test_a_process_that_dies_is_told(model: Model, tmp_path: Path) -> None:
    store = PictureStore(tmp_path, "tiny", "numbers", model.plan)
    with closing(Processes(model, 1)) as workers, store:
        maker = PictureMaker(workers, Words(), store, model.plan)
        for _ in maker.make([PictureSpec(REQUESTS[0])]):
            pass
        for process in active_children():
            process.kill()
        with pytest.raises(LabError, match="has died"):
            for _ in maker.make([PictureSpec(REQUESTS[1])]):
                pass


def test_batches_keep_every_worker_busy(model: Model, tmp_path: Path) -> None:
    class Four(Workers):
        count = 4

        def make(self, batches: Sequence[Batch]) -> Iterator[tuple[int, list[MadePicture]]]:
            sizes.append([len(part) for part in batches])
            return InProcess(model).make(batches)

    sizes: list[list[int]] = []
    specs = [PictureSpec(Request(prompt="a cat", seed=seed, steps=1)) for seed in range(40)]
    with PictureStore(tmp_path, "tiny", "numbers", model.plan) as store:
        maker = PictureMaker(Four(), Words(), store, model.plan)
        for few in (specs[:5], specs):
            for _ in maker.make(few):
                pass
    assert sizes == [[5], [9, 9, 9, 8]]


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_told(workers: int) -> None:
    with pytest.raises(LabError, match="workers"):
        Site(workers=workers)


def test_without_ray_a_cluster_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(LabError, match=r"negspace\[cluster\]"):
        Site(cluster="local").open_workers(model)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of Ray
def test_a_cluster_proves_what_one_process_does(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "one", **ASKED) as proof:
        alone = proof.report()
    site = Site(workers=2, cluster="local")
    with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "ray", site=site, **ASKED) as proof:
        together = proof.report()
        assert proof.made == together.result.pictures
    assert together.to_json() == alone.to_json()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_told(model: Model) -> None:
    pytest.importorskip("ray")
    with pytest.raises(LabError, match="no Ray cluster"):
        Site(cluster="auto").open_workers(model)
