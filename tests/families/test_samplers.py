"""Samplers and schedules against diffusers, and models of few steps by what is declared of them."""

import json
import re
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.errors import ModelError, RequestError
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source
from negspace.models.samplers import SAMPLERS, Sampler
from tests.families.conftest import Place
from tests.families.test_laws import LARGEST, ours, pipeline, theirs

MADE_FOR: dict[str, Any] = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
TRAILING = [999, 749, 499, 249]


@pytest.mark.parametrize(
    "name",
    [
        "LMS",
        "LMS Karras",
        "DPM++ 2S",
        "DPM++ 2S Karras",
        "Euler Beta",
        "Euler Exponential",
        "Euler SGM Uniform",
    ]
    + ["DPM++ 2M Exponential", "DPM++ 2M SGM Uniform", "UniPC Beta", "DDIM SGM Uniform"],
)
def test_a_sampler_makes_what_its_scheduler_makes_in_diffusers(
    place: Place, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts, folder = SAMPLERS[name], place("sd")
    kind = getattr(import_module(f"diffusers.schedulers.{facts.module}"), facts.scheduler)
    read = pipeline(folder, "float32")
    monkeypatch.setattr(read, "scheduler", kind.from_config(read.scheduler.config, **facts.settings))
    made = ours(folder, "blurry", sampler=name, steps=3).latents
    assert (made - theirs("sd", folder, "blurry")).abs().max() < LARGEST


@pytest.mark.parametrize("name", ["LCM", "TCD", "DPM++ SDE", "DPM++ SDE Karras"])
def test_a_sampler_that_draws_ends_in_the_picture_that_a_network_knows(name: str) -> None:
    """A network that knows the clean picture leads every one of them to it, whatever is drawn."""
    picture = torch.randn(1, 4, 4, 4, generator=torch.Generator().manual_seed(1))
    sampler = Sampler(name, MADE_FOR, 6)
    x = sampler.noised(picture, torch.ones_like(picture), 0)
    for index in range(sampler.evaluations):
        a, s = sampler.level(index)
        shown = sampler.scaled_input(x, index)
        x = sampler.step((shown - a * picture) / s, x, index, torch.Generator().manual_seed(index))
    assert (x - picture).abs().max() < 0.1 * picture.abs().max() and sampler.draws


@pytest.mark.parametrize(("spacing", "first"), [("leading", [999, 759, 499, 259]), ("trailing", TRAILING)])
def test_lcm_takes_the_times_it_was_distilled_at(spacing: str, first: list[int]) -> None:
    sampler = Sampler("LCM", MADE_FOR | {"timestep_spacing": spacing}, 4)
    assert [sampler.time(index) for index in range(4)] == first
    assert Sampler("LCM", MADE_FOR, 60).evaluations == 60


def test_lms_begins_anew_in_a_picture_that_it_starts_from(place: Place) -> None:
    """Its first step after those left out has one derivative, and is Euler's."""
    sampler, euler = Sampler("LMS", MADE_FOR, 8), Sampler("Euler", MADE_FOR, 8)
    for each in (sampler, euler):
        each.skip(4)
    x = torch.full((1, 1, 2, 2), 2.0)
    for each in (sampler, euler):
        each.scaled_input(x, 4)
    first, second = (each.step(x / 2, x, 4, None) for each in (sampler, euler))
    assert torch.allclose(first, second, rtol=1e-3)


def test_a_schedule_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import diffusers.schedulers.scheduling_euler_discrete as module

    monkeypatch.setattr(module, "is_scipy_available", lambda: False)
    with pytest.raises(RequestError, match=r"sampler Euler Beta needs scipy: pip install"):
        Sampler("Euler Beta", MADE_FOR, 4)


def copy_of(folder: Path, place: Path, **scheduler: Any) -> Path:
    """A copy whose scheduler has these settings, and that leaves the rest to its family."""
    shutil.copytree(folder, place)
    file = place / "scheduler" / "scheduler_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | scheduler))
    (place / "negspace.json").write_text("{}")
    return place


@pytest.mark.parametrize(
    ("kind", "steps", "sampler"),
    [
        ("turbo", 4, "Euler a"),
        ("lightning", 4, "Euler"),
        ("hyper", 8, "DDIM"),
        ("lcm", 4, "LCM"),
        ("dmd", 4, "LCM"),
    ],
)
def test_what_is_declared_is_run(place: Place, tmp_path: Path, kind: Any, steps: int, sampler: str) -> None:
    folder = copy_of(place("sdxl"), tmp_path / "mine", timestep_spacing="leading")
    facts = read_facts(Source(folder, few_step=kind))
    assert (facts.few_steps, facts.steps, facts.scale, facts.sampler) == (kind, steps, 1.0, sampler)
    assert facts.distilled and read_facts(folder).steps == 30
    model = negspace.load(folder, dtype="float32", device="cpu", few_step=kind)
    run = model.network().sampler(sampler, 4, (4, 8, 8))
    assert [run.time(index) for index in range(4)] == ([999, 759, 499, 259] if kind == "lcm" else TRAILING)


@pytest.mark.parametrize(
    ("name", "kind", "seems"),
    [
        ("sd_xl_turbo_1.0_fp16", "turbo", False),
        ("sdxl_lightning_8step", "lightning", False),
        ("dmd2_sdxl_4step_unet_fp16", "dmd", False),
        ("DreamShaperXL_Turbo_v2", "", True),
        ("hyperRealism_30", "", False),
    ],
)
def test_a_word_in_a_name_declares_nothing(
    place: Place, tmp_path: Path, name: str, kind: str, seems: bool
) -> None:
    facts = read_facts(copy_of(place("sdxl"), tmp_path / name))
    assert (facts.few_steps, facts.named_few_steps) == (kind, seems)
    assert facts.steps == (8 if "8step" in name else 4 if kind else 30)


def test_a_scheduler_declares_too_and_an_unknown_one_is_named(place: Place, tmp_path: Path) -> None:
    consistent = read_facts(copy_of(place("sd"), tmp_path / "a", _class_name="LCMScheduler"))
    assert (consistent.few_steps, consistent.sampler, consistent.scale) == ("lcm", "LCM", 1.0)
    odd = read_facts(copy_of(place("sd"), tmp_path / "b", _class_name="RePaintScheduler"))
    assert (odd.scheduler, odd.sampler) == ("RePaintScheduler", "DPM++ 2M")
    plan = negspace.plan(negspace.Request(prompt="a cat"), odd)
    (finding,) = (one for one in plan.findings if one.code == "scheduler-replaced")
    assert finding.text == "b comes with RePaintScheduler, which is not run here; DPM++ 2M stands for it"
    chosen = negspace.plan(negspace.Request(prompt="a cat", sampler="Euler"), odd)
    assert not [one for one in chosen.findings if one.code == "scheduler-replaced"]


def test_a_merge_that_wants_a_second_branch_has_one_with_a_finding(place: Place, tmp_path: Path) -> None:
    folder = copy_of(place("sdxl"), tmp_path / "merge")
    model = negspace.load(folder, dtype="float32", device="cpu", few_step="turbo")
    asked: dict[str, Any] = {"avoid": "hat", "steps": 2, "seed": 1, "width": 64, "height": 64}
    made = model.generate("a cat", scale=2.0, **asked)
    assert made.receipt.evaluations == {"positive": 2, "negative": 2} and made.receipt.negative_acted
    (finding,) = (one for one in made.receipt.findings if one.code == "few-steps-scale")
    assert "some merges are made for" in finding.text
    usual = model.generate("a cat", **asked)
    assert "negative" not in usual.receipt.evaluations


@pytest.mark.parametrize("name", ["Heun", "LMS", "DPM++ 2S", "Heun Karras"])
def test_a_sampler_that_cannot_begin_in_pure_noise_is_refused_where_that_was_trained(name: str) -> None:
    trained = MADE_FOR | {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    with pytest.raises(RequestError, match=f"sampler {re.escape(name)} cannot begin in pure noise"):
        Sampler(name, trained, 4)
    assert Sampler("Euler", trained, 4).level(0)[0] < 1e-2


def test_a_full_model_of_lcm_is_refused(place: Place, tmp_path: Path) -> None:
    folder = copy_of(place("sd"), tmp_path / "lcm")
    file = folder / "unet" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"time_cond_proj_dim": 256}))
    with pytest.raises(ModelError, match="is told its guidance with the time"):
        read_facts(folder)
