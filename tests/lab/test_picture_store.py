"""The picture store: nothing that was made is lost, made twice or half-read."""

from pathlib import Path

import pytest

import negspace as ns
from negspace.errors import OutputError
from negspace.generate import Model
from negspace.lab.picture_maker import PictureMaker
from negspace.lab.picture_store import PictureSpec, PictureStore
from negspace.lab.workers import InProcess
from negspace.request import Request
from tests.lab.worlds import Words

SPECS = [PictureSpec(Request(prompt="a cat", seed=seed, steps=1)) for seed in range(3)]


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def make(model: Model, folder: Path, specs: list[PictureSpec]) -> int:
    with PictureStore(folder, "tiny", "numbers", model.plan) as store:
        maker = PictureMaker(InProcess(model), Words(), store, model.plan)
        for _ in maker.make(specs):
            pass
        assert [record.key for record in maker.records(specs)] == [store.key(spec) for spec in specs]
        return maker.made


def test_what_was_made_is_not_made_again(model: Model, tmp_path: Path) -> None:
    assert make(model, tmp_path, [*SPECS, *SPECS]) == 3
    assert make(model, tmp_path, SPECS) == 0
    assert make(model, tmp_path, [*SPECS, PictureSpec(SPECS[0].request, copy=1)]) == 1


def test_a_copy_is_the_same_picture_made_once_more(model: Model, tmp_path: Path) -> None:
    copy = PictureSpec(SPECS[0].request, copy=1)
    make(model, tmp_path, [SPECS[0]])
    make(model, tmp_path, [copy, SPECS[2]])
    with PictureStore(tmp_path, "tiny", "numbers", model.plan) as store:
        first, second = store.record(SPECS[0]), store.record(copy)
        assert first and second and first.sha256 == second.sha256 and first.key != second.key


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_line_that_was_cut_off_is_read_again_from_its_picture(
    model: Model, tmp_path: Path, cut: int
) -> None:
    make(model, tmp_path, SPECS)
    lines = tmp_path / "seen.jsonl"
    whole = lines.read_bytes()
    lines.write_bytes(whole[:-cut])
    assert make(model, tmp_path, SPECS) == 0
    assert lines.read_bytes() == whole


def test_another_model_has_pictures_of_its_own(model: Model, tmp_path: Path) -> None:
    make(model, tmp_path, SPECS)
    with PictureStore(tmp_path, "another", "numbers", model.plan) as store:
        assert store.record(SPECS[0]) is None and not store.path(SPECS[0]).exists()


def test_a_policy_that_has_changed_has_pictures_of_its_own(model: Model, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    spec = PictureSpec(Request(prompt="a cat", policies=(str(policy),), steps=1))
    for term, made in (("hat", 1), ("boat", 1), ("hat", 0)):
        policy.write_text(f"{{name: mine, version: 1, explain: Not here., avoid: [{term}]}}")
        assert make(model, tmp_path / "store", [spec]) == made
        with PictureStore(tmp_path / "store", "tiny", "numbers", model.planner()) as store:
            assert [record.term for record in store.receipt(spec).terms] == [term]


def test_only_one_program_has_it_open(model: Model, tmp_path: Path) -> None:
    store = PictureStore(tmp_path, "tiny", "numbers", model.plan)
    with store, pytest.raises(OutputError, match="in use by another run"):
        PictureStore(tmp_path, "tiny", "numbers", model.plan)
    PictureStore(tmp_path, "tiny", "numbers", model.plan).__exit__()


def test_damage_is_told_with_its_line(model: Model, tmp_path: Path) -> None:
    make(model, tmp_path, SPECS)
    lines = tmp_path / "seen.jsonl"
    lines.write_text("{}\n" + lines.read_text())
    with pytest.raises(OutputError, match="line 1 is damaged"):
        PictureStore(tmp_path, "tiny", "numbers", model.plan)
