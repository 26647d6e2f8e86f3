"""The plan that is made is the plan that runs, whatever becomes of the files it was made from."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import negspace as ns
from negspace.errors import EncodingError, RequestError
from negspace.generate import Model
from negspace.models.catalogue import read_facts
from negspace.planning.plan import Plan
from tests.policy_files import CHANGES, write_policy

STEPS = 2


@pytest.fixture(scope="module")
def model(tiny_sd: Path) -> Model:
    return ns.load(tiny_sd, dtype="float32")


@pytest.mark.parametrize("change", CHANGES)
def test_a_policy_file_that_changes_after_planning_changes_nothing(
    model: Model, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    file = write_policy(tmp_path)
    plan = model.plan(ns.Request(prompt="a cat", policies=(str(file),), steps=STEPS))
    expected = model.run(plan).result()
    change(file)
    result = model.run(plan).result()
    assert torch.equal(result.latents, expected.latents)
    assert result.receipt == expected.receipt
    assert [term.term for term in result.receipt.terms] == ["hat"]


def test_a_plan_that_was_stored_runs_alike(model: Model, tmp_path: Path) -> None:
    plan = model.plan(
        ns.Request(prompt="a cat", avoid="blurry", policies=(str(write_policy(tmp_path)),), steps=STEPS)
    )
    stored = Plan.from_json(plan.to_json())
    assert stored == plan
    assert torch.equal(model.run(stored).result().latents, model.run(plan).result().latents)


def test_a_plan_without_weights_runs_on_the_model_of_the_folder(model: Model, tiny_sd: Path) -> None:
    request = ns.Request(prompt="a cat", avoid="hat", steps=STEPS)
    plan = ns.plan(request, read_facts(tiny_sd))
    assert plan == model.plan(request) and len(model.run(plan).result().images) == 1


def test_a_plan_of_another_model_is_refused_in_one_line(model: Model) -> None:
    plan = ns.plan(ns.Request(prompt="a cat", avoid="hat"), ns.ModelFacts(name="other"))
    with pytest.raises(RequestError, match="the plan was made for model 'other'") as refusal:
        model.run(plan)
    assert "\n" not in str(refusal.value)


def test_an_embedding_must_be_what_it_was(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "bad-hands.safetensors"
    save_file({"emb_params": torch.ones(1, 32)}, file)
    plan = model.plan(ns.Request(prompt="a cat", avoid="bad-hands", embeddings=(str(file),), steps=STEPS))
    assert len(model.run(plan).result().images) == 1
    save_file({"emb_params": torch.zeros(1, 32)}, file)
    with pytest.raises(EncodingError, match="'bad-hands' has changed since the plan was made"):
        model.run(plan)
    file.unlink()
    with pytest.raises(EncodingError, match="'bad-hands' cannot be read any more"):
        model.run(plan)


def test_further_attempts_read_no_policy(model: Model, tiny_sd: Path, tmp_path: Path) -> None:
    from negspace.run.escalation import escalated

    file = write_policy(tmp_path)
    first = model.plan(ns.Request(prompt="a cat", policies=(str(file),), steps=STEPS))
    file.unlink()
    again = escalated(first, ("hat",), 0, 1, model.facts)
    assert again.policies == first.policies and again.terms[0].origins == first.terms[0].origins
