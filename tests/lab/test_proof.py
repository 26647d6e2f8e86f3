"""A proof from end to end on a tiny model: pictures are made, kept, taken up again and told."""

import json
from pathlib import Path
from typing import Any

import pytest

import negspace as ns
from negspace.errors import LabError
from negspace.generate import Model
from negspace.lab import Proof, ProofResult
from tests.lab.worlds import Words

ASKED: dict[str, Any] = {"max_pictures": 110, "steps": 1, "sampler": "DDIM", "witness": Words()}


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


def test_a_proof_stopped_at_any_moment_goes_on(model: Model, tmp_path: Path) -> None:
    """Stopped after every stretch of pictures, it makes as many in all and finds the same numbers."""
    with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "whole", **ASKED) as proof:
        whole = proof.report()
        assert proof.made == whole.result.pictures <= proof.most
    made = stops = 0
    while True:
        with Proof("a cat", "hat, zeppelin", model, folder=tmp_path / "cut", **ASKED) as proof:
            before = proof.made
            for step in proof:
                if proof.made > before and step.left:
                    break
            else:
                again = proof.report()
                break
            made, stops = made + proof.made, stops + 1
    assert stops > 3 and made == whole.result.pictures
    assert again.result == whole.result and again.to_json() == whole.to_json()


def test_a_report_is_one_page_and_one_value(model: Model, tmp_path: Path) -> None:
    report = ns.lab.prove("a cat", "hat, <b>zeppelin", model, **ASKED)
    assert set(report.verdicts) == {"hat", "<b>zeppelin"}
    html, plain, *drawings = report.save(tmp_path)
    assert len(drawings) == 6 and {file.suffix for file in drawings} == {".svg", ".png"}
    assert ProofResult.from_json(plain.read_text()) == report.result
    page = html.read_text()
    assert (
        report.answer in page.replace("&#39;", "'")
        and "&lt;b&gt;zeppelin" in page
        and "<b>zeppelin" not in page
    )
    assert page.count('<img src="data:image/png;base64,') == len(report.examples) > 0
    assert page.count("<svg") == 3 and 'src="http' not in page and "<link" not in page


@pytest.mark.parametrize(
    ("prompts", "avoid", "fields", "told"),
    [
        ((), "hat", {}, "prompts: there is none"),
        ("a cat", "", {}, "nothing is avoided"),
        ("a cat", "hat", {"max_pictures": 5}, "too few for 1 terms"),
        ("a cat", "hat", {"n": 2}, "max_pictures"),
    ],
)
def test_what_cannot_be_proved_is_told(
    model: Model, tmp_path: Path, prompts: str, avoid: str, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(LabError, match=told):
        Proof(prompts, avoid, model, folder=tmp_path, **(ASKED | fields))
    assert not list(tmp_path.iterdir())


def test_a_model_whose_pictures_nothing_can_see_is_told(model: Model, tmp_path: Path) -> None:
    with pytest.raises(LabError, match="nothing here can see"):
        Proof("a cat", "hat", model, folder=tmp_path)


def test_scale_one_needs_no_picture(model: Model, tmp_path: Path) -> None:
    with Proof("a cat", "hat", model, folder=tmp_path, scale=1.0, **ASKED) as proof:
        report = proof.report()
    assert proof.made == 0 and report.verdicts["hat"].kind == "inert"
    assert json.loads(report.to_json())["answer"].startswith("No: ")


def test_files_of_older_versions_are_read(model: Model) -> None:
    result = ns.lab.prove("a cat", "hat, zeppelin", model, **ASKED).result
    older = result.to_json().replace('"request":', '"asked":', 1).replace('"description":', '"told":')
    assert result.controls and older != result.to_json()
    assert ProofResult.from_json(older) == result


def test_a_proof_plans_with_the_policies_of_its_beginning(model: Model, tmp_path: Path) -> None:
    policy = tmp_path / "mine.yaml"
    policy.write_text("{name: mine, version: 1, explain: No boats., avoid: [boat]}")
    settings = ASKED | {"max_pictures": 100, "policies": (str(policy),)}
    with Proof("a cat", "hat", model, folder=tmp_path / "proof", **settings) as proof:
        policy.write_text("{")
        report = proof.report()
    assert report.result.pictures == proof.made > 0
