"""Comparisons: what an axis makes of a request, and what is on the sheet."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

import negspace as ns
from negspace import png
from negspace.errors import LabError, NegspaceError, RequestError
from negspace.generate import Model
from negspace.lab.axes import axis
from negspace.lab.grid import GridMaker
from negspace.receipt import Receipt
from negspace.request import Avoid, Request

BASE = Request(prompt="a cat in snow", avoid="hat, blurry", steps=2, sampler="DDIM")


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def values(text: str, field: str) -> list[object]:
    one = axis(text)
    return [getattr(one.request_at(BASE, i), field) for i in range(len(one.values))]


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("scale=off; 3; 6.5", "scale", [1.0, 3.0, 6.5]),
        ("avoid=off; hat; hat, text", "avoid", [None, "hat", "hat, text"]),
        ("rule=cfg; dual(negative=0.5)", "rule", ["cfg", "dual(negative=0.5)"]),
        ("seed=0;7", "seed", [0, 7]),
        ("sampler=off;Euler a", "sampler", [None, "Euler a"]),
        ("prompt/cat=cat; big boat", "prompt", ["a cat in snow", "a big boat in snow"]),
        ("avoid/hat=off; collar", "avoid", ["blurry", "collar, blurry"]),
        ("avoid/blurry=off", "avoid", ["hat"]),
        (
            "window=off; 0-0.5",
            "avoid",
            [
                (Avoid(term="hat"), Avoid(term="blurry")),
                (Avoid(term="hat", window=(0, 0.5)), Avoid(term="blurry", window=(0, 0.5))),
            ],
        ),
    ],
)
def test_an_axis_varies_what_it_names(text: str, field: str, wanted: list[object]) -> None:
    assert values(text, field) == wanted


def test_words_of_terms_are_replaced_too() -> None:
    terms = BASE.model_copy(update={"avoid": (Avoid(term="red hat", weight=1.3), Avoid(term="text"))})
    assert axis("avoid/hat=collar").request_at(terms, 0).avoid == (
        Avoid(term="red collar", weight=1.3),
        Avoid(term="text"),
    )
    assert axis("avoid/text=off").request_at(terms, 0).avoid == (Avoid(term="red hat", weight=1.3),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scale", "write NAME=VALUE"),
        ("scale=", "write NAME=VALUE"),
        ("scael=1", "did you mean 'scale'"),
        ("n=1;2", "no axis is called 'n'"),
        ("window=soon", "START-STOP"),
    ],
)
def test_an_axis_that_cannot_be_is_told(text: str, told: str) -> None:
    with pytest.raises(LabError, match=told):
        axis(text)


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("prompt/dog=cat", LabError, "'dog' is not in the prompt"),
        ("avoid/text=hat", LabError, "'text' is not in the avoid"),
        ("scale=many", RequestError, "scale"),
        ("window=0.5-0.1", RequestError, "window"),
    ],
)
def test_a_value_that_cannot_be_is_told(text: str, error: type[NegspaceError], told: str) -> None:
    with pytest.raises(error, match=told):
        axis(text).request_at(BASE, 0)


def test_every_cell_is_the_picture_of_its_request(model: Model, tmp_path: Path) -> None:
    axes = [axis("scale=off; 4"), axis("avoid/hat=hat; collar"), axis("seed=1; 2")]
    comparing = GridMaker(BASE, axes, tmp_path, model)
    assert list(comparing)[-1] == 8
    grid = comparing.grid()
    assert grid.labels == (("seed 1", "seed 2"), ("hat → hat", "hat → collar"), ("scale off", "scale 4"))
    assert [cell.place for cell in grid.cells] == comparing.places
    for cell in grid.cells:
        z, y, x = cell.place
        asked = cell.receipt.request
        assert (asked.seed, asked.scale) == (1 + z, (1.0, 4.0)[x])
        assert asked.avoid == ("hat, blurry", "collar, blurry")[y]
        assert cell.receipt.negative_acted is bool(x)
    last = model.generate("a cat in snow", avoid="collar, blurry", scale=4.0, seed=2, steps=2, sampler="DDIM")
    assert last.images[0].size == grid.cells[-1].picture.size

    page, whole, plain = grid.save(tmp_path)
    assert page.read_text().count("data:image/png;base64,") == 8
    assert [Receipt.from_dict(one["receipt"]) for one in json.loads(plain.read_text())] == [
        cell.receipt for cell in grid.cells
    ]
    assert whole.read_bytes().startswith(b"\x89PNG")
    kept = sorted((tmp_path / "pictures").iterdir())
    assert len(kept) == 8 and all(png.read(file).receipt for file in kept)


def test_an_encoder_is_an_axis(model: Model, tiny_sd: Path, tmp_path: Path) -> None:
    """Another text encoder makes another picture; the model's own from a file the same, but for last bits."""
    own = tiny_sd / "text_encoder" / "model.safetensors"
    other = tmp_path / "other.safetensors"
    save_file({name: -value for name, value in load_file(own).items()}, other)
    one = axis(f"encoder=off; text_encoder={own}; {other}")
    cells = GridMaker(BASE, [one], tmp_path / "out", model).grid().cells
    first, same, different = (np.asarray(cell.picture, np.int16) for cell in cells)
    off, further = (float(np.abs(first - one).mean()) for one in (same, different))
    assert off < 1 and further > 5 * off, (off, further)
    assert len({cell.receipt.model.fingerprint for cell in cells}) == 3


def test_a_comparison_goes_on_where_it_stopped(model: Model, tmp_path: Path) -> None:
    list(GridMaker(BASE, [axis("seed=0;1")], tmp_path, model))
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "pictures").iterdir()}
    list(GridMaker(BASE, [axis("seed=0;1;2")], tmp_path, model))
    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "pictures").iterdir()}
    assert len(after) == 3 and before.items() <= after.items()


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        (["seed=1", "scale=2", "steps=2", "rule=cfg"], "4 axes"),
        (["seed=1", "seed=2"], "two axes vary 'seed'"),
        (["width=64;128"], "one size"),
        (
            [f"seed={';'.join(map(str, range(40)))}", f"steps={';'.join(map(str, range(1, 40)))}"],
            "1560 cells",
        ),
    ],
)
def test_comparisons_that_cannot_be_are_told(
    model: Model, tmp_path: Path, axes: list[str], told: str
) -> None:
    with pytest.raises(LabError, match=told):
        GridMaker(BASE, [axis(text) for text in axes], tmp_path, model)
