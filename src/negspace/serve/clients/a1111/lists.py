"""The lists of models, samplers, styles and so on. Policies are the prompt styles."""

from typing import Any

from fastapi import APIRouter

from negspace.hires import UPSCALERS
from negspace.serve.clients.a1111.samplers import ALIASES, SCHEDULERS, plain_names
from negspace.serve.dialect import Caller, Serving

router = APIRouter()

_LATENT = "Latent"


@router.get("/sd-models")
async def sd_models(service: Serving, tenant: Caller) -> list[dict[str, Any]]:
    """The models the caller may use."""
    return [
        {"title": name, "model_name": name, "hash": None, "sha256": None, "filename": name, "config": None}
        for name in service.catalogue.models_for(tenant)
    ]


@router.get("/samplers")
async def samplers(service: Serving, tenant: Caller) -> list[dict[str, Any]]:
    """The samplers of the models that the caller may use, without their schedulers."""
    models = service.catalogue.models_for(tenant).values()
    names = plain_names(name for facts in models for name in facts.samplers)
    return [
        {
            "name": name,
            "aliases": [alias for alias, sampler in ALIASES.items() if sampler == name],
            "options": {},
        }
        for name in names
    ]


@router.get("/schedulers")
async def schedulers() -> list[dict[str, Any]]:
    """The spacings of the noise levels."""
    return [
        {
            "name": name.lower(),
            "label": name,
            "aliases": None,
            "default_rho": -1.0,
            "need_inner_model": False,
        }
        for name in SCHEDULERS
    ]


@router.get("/prompt-styles")
async def prompt_styles(service: Serving, tenant: Caller) -> list[dict[str, Any]]:
    """The policies: choosing a style applies a policy."""
    return [
        {"name": name, "prompt": "", "negative_prompt": ", ".join(term.term for term in policy.avoid)}
        for name, policy in service.catalogue.policies_for(tenant).items()
    ]


@router.get("/embeddings")
async def embeddings(service: Serving) -> dict[str, Any]:
    """The words of the textual-inversion embeddings."""
    loaded = {
        facts.name: {
            "step": None,
            "sd_checkpoint": None,
            "sd_checkpoint_name": None,
            "shape": max(facts.widths),
            "vectors": facts.vectors,
        }
        for facts in service.catalogue.embedding_facts.values()
    }
    return {"loaded": loaded, "skipped": {}}


@router.get("/loras")
async def loras(service: Serving, tenant: Caller) -> list[dict[str, Any]]:
    """The LoRA files that a prompt may name, of the models that the caller may use."""
    by_model = service.catalogue.loras(tenant)
    names = dict.fromkeys(name for files in by_model.values() for name in files)
    return [{"name": name, "alias": name, "path": name, "metadata": {}} for name in names]


@router.get("/scripts")
async def scripts() -> dict[str, list[str]]:
    """There are none."""
    return {"txt2img": [], "img2img": []}


@router.get("/cmd-flags")
async def cmd_flags() -> dict[str, Any]:
    """None that matter to a client."""
    return {}


@router.get("/memory")
async def memory() -> dict[str, Any]:
    """Not reported."""
    return {"ram": {}, "cuda": {}}


@router.get("/upscalers")
async def upscalers() -> list[dict[str, Any]]:
    """How a picture is enlarged for a second pass, by its pixels."""
    empty = {"model_name": None, "model_path": None, "model_url": None, "scale": 4}
    return [{"name": name, **empty} for name in UPSCALERS if not name.startswith(_LATENT)]


@router.get("/latent-upscale-modes")
async def latent_upscale_modes() -> list[dict[str, Any]]:
    """How a picture is enlarged for a second pass, by its latents."""
    return [{"name": name} for name in UPSCALERS if name.startswith(_LATENT)]


@router.get("/sd-vae")
@router.get("/sd-modules")
@router.get("/hypernetworks")
@router.get("/face-restorers")
@router.get("/realesrgan-models")
@router.get("/script-info")
@router.get("/extensions")
async def empty_list() -> list[Any]:
    """There are none."""
    return []


@router.post("/refresh-checkpoints")
@router.post("/refresh-vae")
@router.post("/refresh-loras")
@router.post("/refresh-embeddings")
async def refresh() -> None:
    """Does nothing: the lists change only with the settings of the server."""
