"""Curves: pictures at several scales, on the same seeds, in numbers and as figures."""

from pathlib import Path
from typing import Any

import pytest

import negspace as ns
from negspace.errors import LabError, OutputError
from negspace.generate import Model
from negspace.lab import CurveMaker
from negspace.lab.curves import CurveNumbers, MeasuredShare
from negspace.request import Request
from tests.lab.worlds import Words

POLICY = "{name: mine, version: 1, explain: No hats., avoid: [hat]}"
ASKED = Request(prompt="a cat", avoid="hat", steps=2, sampler="DDIM", seed=5)


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def drawing(model: Model, folder: Path, **more: Any) -> CurveMaker:
    settings: dict[str, Any] = {"scales": (3.0, 1.0), "pictures": 4, "witness": Words()}
    return CurveMaker(ASKED, model, folder=folder, **(settings | more))


def test_curves_are_pictures_at_every_scale_on_both_sides(model: Model, tmp_path: Path) -> None:
    with drawing(model, tmp_path) as one:
        found = one.curves()
        assert one.made == 2 * 2 * 4
    points = found.numbers.points
    assert [point.scale for point in points] == [1.0, 3.0]
    assert points[0].leak == points[0].leak_with and points[0].variety == points[0].variety_with  # scale 1
    assert points[1].leak.of == 4 and 1 <= points[1].variety <= 4
    assert len(found.figures) == 5 and len(found.numbers.push) == 4 == len(found.numbers.omega)
    page, plain, *drawings = found.save(tmp_path / "out")
    assert CurveNumbers.from_json(plain.read_text()) == found.numbers
    assert len(drawings) == 10 and page.read_text().count("<svg") == 5 and "src=" not in page.read_text()


def test_curves_go_on_with_what_is_there(model: Model, tmp_path: Path) -> None:
    with drawing(model, tmp_path, scales=(1.0, 2.0)) as one:
        one.curves()
    with pytest.raises(OutputError), drawing(model, tmp_path), drawing(model, tmp_path):
        pass
    with drawing(model, tmp_path) as one:
        steps = list(one)
        assert one.made == 2 * 4 and steps[-1].left == 0 and steps[-1].done == 16


def test_a_share_has_wilsons_interval() -> None:
    """By hand: 1 of 4, z = 1.95996."""
    low, high = MeasuredShare.among([True, False, False, False]).interval
    assert low == pytest.approx(0.04559, abs=1e-4) and high == pytest.approx(0.69936, abs=1e-4)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"scales": (2.0, 2.0)}, "two different"),
        ({"scales": (0.0, 2.0)}, "above 0"),
        ({"pictures": 1}, "too few"),
    ],
)
def test_what_cannot_be_drawn_is_told(model: Model, tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(LabError, match=told):
        drawing(model, tmp_path, **more)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["edited", "broken", "deleted"])
def test_pictures_are_made_by_the_plans_of_the_beginning(model: Model, tmp_path: Path, change: str) -> None:
    """A policy that changes while pictures are made changes none of them, and none fails."""
    policy = tmp_path / "mine.yaml"
    policy.write_text(POLICY)
    base = Request(prompt="a cat", avoid="smoke", policies=(str(policy),), steps=1, seed=1)
    with CurveMaker(
        base, model, folder=tmp_path / "curve", scales=(2.0, 3.0), pictures=2, witness=Words()
    ) as maker:
        if change == "deleted":
            policy.unlink()
        else:
            policy.write_text(
                "{name: mine, version: 2, explain: Other., avoid: [boat]}" if change == "edited" else "{"
            )
        curves = maker.curves()
        pictures = [spec for scale in (2.0, 3.0) for spec in maker._specs(scale, True)]
        plans = [maker._plan(spec.request) for spec in pictures]
    assert maker.made == 8 and len(curves.numbers.points) == 2
    assert all("hat" in [term.avoid.term for term in plan.terms] for plan in plans)
