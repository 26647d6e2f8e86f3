"""Laws of every family: what diffusers makes of the same noise, alone and in company, with and without."""

import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.engine import draw
from negspace.generate import Model, Result
from negspace.models.catalogue import FAMILIES, read_facts
from negspace.models.samplers import SCHEDULES
from negspace.request import Request
from tests.families.conftest import Place
from tests.families.tiny import SIZE, TINY

LARGEST = 1e-4
"""Of float32: how far latents of one way may be from those of another."""

ROUNDED = 3.0
"""In a narrower dtype: how far from float32 we may be, by how far diffusers is."""

SCALE = 3.0
NEGATIVES = {"no negative": None, "an empty negative": "", "a negative": "blurry, watermark"}

LEVELS = {"float32": 1, "bfloat16": 16, "float16": 2}
"""How far a picture may be from that which float32 makes of the same latents, of 256."""

every_family = pytest.mark.parametrize("family", list(FAMILIES))
every_dtype = pytest.mark.parametrize(
    "dtype",
    ["float32", *(pytest.param(narrow, marks=pytest.mark.slow) for narrow in ("bfloat16", "float16"))],
)


@cache
def opened(folder: Path, dtype: str = "float32") -> Model:
    arithmetic: Any = dtype
    return negspace.load(folder, dtype=arithmetic, device="cpu")


@cache
def pipeline(folder: Path, dtype: str = "float32") -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what another library warns of is not under test
        from diffusers.pipelines.pipeline_utils import DiffusionPipeline

        index = json.loads((folder / "model_index.json").read_text())
        left_out: dict[str, Any] = {name: None for name, entry in index.items() if entry == [None, None]}
        read: Any = DiffusionPipeline.from_pretrained(folder, dtype=getattr(torch, dtype), **left_out)
    read.set_progress_bar_config(disable=True)
    return read


def ours(
    folder: Path, negative: str | None, scale: float = SCALE, dtype: str = "float32", **fields: Any
) -> Result:
    model = opened(folder, dtype)
    return model.generate(
        "a red cat, snow", avoid=negative, seed=7, scale=scale, rule=model.facts.rule, **fields
    )


def theirs(
    family: str,
    folder: Path,
    negative: str | None,
    scale: float = SCALE,
    dtype: str = "float32",
    **fields: Any,
) -> torch.Tensor:
    shape = opened(folder).network().latent_shape(SIZE, SIZE)
    noise = draw(7, shape).to(getattr(torch, dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TINY[family].ask(pipeline(folder, dtype), negative, scale, noise, **fields).float()


def allowed(family: str, folder: Path, negative: str | None, scale: float, dtype: str) -> float:
    """How far latents in a dtype may be from those of diffusers in float32."""
    if dtype == "float32":
        return LARGEST
    whole, narrow = (theirs(family, folder, negative, scale, each) for each in ("float32", dtype))
    return ROUNDED * (narrow - whole).abs().max().item()


@every_dtype
@every_family
@pytest.mark.parametrize("negative", NEGATIVES)
def test_latents_equal_those_of_diffusers(place: Place, family: str, negative: str, dtype: str) -> None:
    told = NEGATIVES[negative]
    made = ours(place(family), told, dtype=dtype).latents
    largest = (made - theirs(family, place(family), told)).abs().max().item()
    print(f"{family}, {negative}, {dtype}: largest difference {largest:.1e}")
    assert made.abs().max() > 0.5, "the pictures must not be blank"
    assert largest < allowed(family, place(family), told, SCALE, dtype)


@every_dtype
@every_family
def test_without_guidance_they_are_equal_too(place: Place, family: str, dtype: str) -> None:
    made = ours(place(family), "blurry", scale=1.0, dtype=dtype).latents
    largest = (made - theirs(family, place(family), None, scale=1.0)).abs().max()
    assert largest < allowed(family, place(family), None, 1.0, dtype)


@every_dtype
@every_family
def test_a_negative_acts(place: Place, family: str, dtype: str) -> None:
    told, without = ours(place(family), "blurry", dtype=dtype), ours(place(family), None, dtype=dtype)
    assert (told.latents - without.latents).abs().max() > 1e-3
    assert told.receipt.negative_acted and not without.receipt.negative_acted


@every_dtype
@every_family
def test_the_three_kinds_of_absence_are_what_the_facts_say(place: Place, family: str, dtype: str) -> None:
    """None is what the model was trained without; "" and " " are texts."""
    facts = opened(place(family), dtype).facts
    none, empty = ours(place(family), None, dtype=dtype), ours(place(family), "", dtype=dtype)
    match facts.absent:
        case "empty":
            assert torch.equal(none.latents, empty.latents)
        case "zeros":
            assert none.receipt.evaluations == empty.receipt.evaluations
            assert not torch.equal(none.latents, empty.latents)
        case "none":
            assert set(none.receipt.evaluations) == {"positive"}
            assert set(empty.receipt.evaluations) == {"positive", "empty"}
    assert not empty.receipt.negative_acted
    blank = ours(
        place(family), " ", dtype=dtype
    ).receipt  # a text model that does not strip it reads one token more
    assert sum(blank.evaluations.values()) == sum(empty.receipt.evaluations.values())
    assert not blank.negative_acted


@every_dtype
@every_family
def test_in_company_pictures_are_what_they_are_alone(place: Place, family: str, dtype: str) -> None:
    model = opened(place(family), dtype)
    asked: list[dict[str, Any]] = [
        {"prompt": "a cat", "avoid": "hat, smoke", "seed": 1},
        {"prompt": "a red house, " * 30, "avoid": None, "seed": 2, "scale": 2.0},
        {"prompt": "snow", "avoid": "", "seed": 3, "n": 2},
        {"prompt": "a boat", "avoid": "blurry " * 90, "seed": 4},
    ]
    requests = [Request(**{"rule": "cfg", "scale": SCALE, **fields}) for fields in asked]
    for together, request in zip(model.generate_all(requests), requests, strict=True):
        alone = model.run(model.plan(request)).result()
        assert torch.equal(together.latents, alone.latents)
        assert [one.tobytes() for one in together.images] == [one.tobytes() for one in alone.images]


@every_dtype
@every_family
def test_every_sampler_runs(place: Place, family: str, dtype: str) -> None:
    model = opened(place(family), dtype)
    seen: dict[str, torch.Tensor] = {}
    for sampler in model.facts.samplers:
        made = model.generate("a cat", avoid="hat", rule="cfg", scale=2.0, steps=3, sampler=sampler, seed=1)
        assert bool(made.latents.isfinite().all()), sampler
        assert made.receipt.sampler == sampler
        seen[sampler] = made.latents
    first, *others = seen
    settings = opened(place(family), dtype).network()._parts.scheduler  # type: ignore[attr-defined]
    for other in others:
        own = SCHEDULES.get(other.removeprefix(f"{first} "), {"no": "schedule"})
        same = all(settings.get(name) == value for name, value in own.items())  # of the model, as Chroma's
        assert torch.equal(seen[first], seen[other]) == same, other


@every_dtype
@every_family
def test_every_rule_that_the_facts_name_runs(place: Place, family: str, dtype: str) -> None:
    model = opened(place(family), dtype)
    for rule in model.facts.rules:
        text = f'autoguidance(weak="{place(family)}")' if rule == "autoguidance" else rule
        made = model.generate("a cat", avoid="hat, smoke", rule=text, steps=2, seed=1)
        assert bool(made.latents.isfinite().all()), rule


@every_dtype
@every_family
def test_pictures_equal_those_of_diffusers(place: Place, family: str, dtype: str) -> None:
    """To one level of 256 in float32: both round the same picture, and its last bit may differ."""
    made = ours(place(family), "blurry", dtype=dtype)
    (image,) = TINY[family].decoded(pipeline(place(family)), made.latents)
    pairs = zip(made.images[0].tobytes(), image.tobytes(), strict=True)
    assert max(abs(first - second) for first, second in pairs) <= LEVELS[dtype]


@every_family
def test_facts_are_known_without_weights(place: Place, family: str, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / place(family).name
    shutil.copytree(place(family), copy, ignore=shutil.ignore_patterns("*.safetensors"))
    assert read_facts(copy) == opened(place(family)).facts
    assert read_facts(copy).family == family
