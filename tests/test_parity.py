"""Our engine against diffusers' own pipeline: same folder, same noise, float32. Prints what it measured."""

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.engine import draw
from negspace.generate import Model, Result
from negspace.models.samplers import SAMPLERS, find_sampler
from negspace.pixels import Pixels
from tests.pictures import gradient

LARGEST = 1e-4

NEGATIVES = {"no negative": None, "an empty negative": "", "a negative": "blurry, watermark"}


@cache
def opened(folder: Path) -> tuple[Model, Any, Any]:
    """Our model, diffusers' pipeline on one folder, both in float32, and the folder's scheduler settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what another library warns of is not under test
        from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

        pipeline = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return negspace.load(folder, dtype="float32"), pipeline, pipeline.scheduler.config


def by_pipeline(folder: Path, sampler: str, negative: str | None, scale: float, steps: int) -> torch.Tensor:
    model, pipeline, settings = opened(folder)
    facts = find_sampler(sampler)
    module = __import__(f"diffusers.schedulers.{facts.module}", fromlist=[facts.scheduler])
    scheduler = getattr(module, facts.scheduler)
    pipeline.scheduler = scheduler.from_config(settings, **facts.settings)
    shape = model.network().latent_shape(model.facts.width, model.facts.height)
    return pipeline(
        "a red cat, snow",
        negative_prompt=negative,
        num_inference_steps=steps,
        guidance_scale=scale,
        latents=draw(7, shape)[None],
        output_type="latent",
        width=model.facts.width,
        height=model.facts.height,
    ).images


def by_us(folder: Path, sampler: str, negative: str | None, scale: float, steps: int) -> Result:
    model, *_ = opened(folder)
    return model.generate(
        "a red cat, snow", avoid=negative, seed=7, steps=steps, scale=scale, sampler=sampler
    )


@pytest.mark.parametrize("negative", NEGATIVES)
@pytest.mark.parametrize("sampler", [name for name, facts in SAMPLERS.items() if not facts.draws])
def test_latents_equal_those_of_diffusers(sd_folder: Path, sampler: str, negative: str) -> None:
    ours = by_us(sd_folder, sampler, NEGATIVES[negative], 4.0, 8).latents
    theirs = by_pipeline(sd_folder, sampler, NEGATIVES[negative], 4.0, 8)
    largest = (ours - theirs).abs().max().item()
    print(f"{sd_folder.name}, {sampler}, {negative}: largest difference {largest:.1e}")
    assert ours.abs().max() > 0.5, "the pictures must not be blank"
    assert largest < LARGEST


def test_scale_1_equals_diffusers_without_guidance(sd_folder: Path) -> None:
    ours = by_us(sd_folder, "DDIM", "blurry", 1.0, 8).latents
    assert (ours - by_pipeline(sd_folder, "DDIM", "blurry", 1.0, 8)).abs().max() < LARGEST


def test_pictures_equal_those_of_diffusers(sd_folder: Path) -> None:
    """To one level of 256: both round the same float picture, and its last bit may differ."""
    ours = by_us(sd_folder, "Euler", "blurry", 4.0, 4)
    pipeline = opened(sd_folder)[1]
    with torch.no_grad():
        decoded = pipeline.vae.decode(ours.latents / pipeline.vae.config.scaling_factor).sample
    theirs = pipeline.image_processor.postprocess(decoded)[0]
    pairs = zip(ours.images[0].tobytes(), theirs.tobytes(), strict=True)
    assert max(abs(first - second) for first, second in pairs) <= 1


def with_what_there_has_been(scheduler: Any) -> Any:
    """The step of LMS with as many derivatives as there have been: from the middle of a schedule diffusers
    weighs more than it has, so that the weights do not add up to the step."""
    step = scheduler.step
    return lambda *given, **named: step(*given, **named, order=min(4, len(scheduler.derivatives) + 1))


@cache
def from_picture(folder: Path) -> Any:
    """Diffusers' pipeline from picture to picture, which takes the mean of the latents as we do."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as module

        pipeline = module.StableDiffusionImg2ImgPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.mark.parametrize("strength", [0.6])
@pytest.mark.parametrize("sampler", [name for name, facts in SAMPLERS.items() if not facts.draws])
def test_latents_from_a_picture_equal_those_of_diffusers(
    sd_folder: Path, sampler: str, strength: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diffusers.pipelines.stable_diffusion import pipeline_stable_diffusion_img2img as module

    model, _, settings = opened(sd_folder)
    pipeline, picture = from_picture(sd_folder), gradient(model.facts.width, model.facts.height)
    facts = find_sampler(sampler)
    scheduler = getattr(
        __import__(f"diffusers.schedulers.{facts.module}", fromlist=[facts.scheduler]), facts.scheduler
    )
    pipeline.scheduler = scheduler.from_config(settings, **facts.settings)
    if facts.scheduler == "LMSDiscreteScheduler":
        pipeline.scheduler.step = with_what_there_has_been(pipeline.scheduler)
    monkeypatch.setattr(module, "retrieve_latents", lambda encoded, generator: encoded.latent_dist.mode())
    theirs = pipeline(
        "a red cat, snow",
        image=picture,
        strength=strength,
        negative_prompt="blurry, watermark",
        num_inference_steps=8,
        guidance_scale=4.0,
        generator=torch.Generator().manual_seed(7),
        output_type="latent",
    ).images
    begun = {"picture": Pixels.of(picture), "strength": strength}
    ours = model.generate(
        "a red cat, snow",
        avoid="blurry, watermark",
        seed=7,
        steps=8,
        scale=4.0,
        sampler=sampler,
        start=begun,
    ).latents
    largest = (ours - theirs).abs().max().item()
    print(f"{sd_folder.name}, {sampler}, strength {strength}: largest difference {largest:.1e}")
    assert ours.abs().max() > 0.5 and largest < LARGEST
