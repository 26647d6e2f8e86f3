"""What the file of a whole model says of how it was trained, beside its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from negspace.errors import ModelError
from negspace.models.files.headers import Held

_BODY = "model.diffusion_model."
_TELLS = f"{_BODY}output_blocks.11.1.transformer_blocks.0.norm1.bias"
_WIDE = 0.09
"""Spread of that tensor above which a Stable Diffusion 2 predicts v: a rule of thumb of ComfyUI's."""

_PREDICTIONS = {"v": "v_prediction", "epsilon": "epsilon"}
_ARCHITECTURES = {"stable-diffusion-v2-512": "epsilon", "stable-diffusion-v2-768-v": "v_prediction"}


def scheduling(file: Path, held: Mapping[str, Held], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Settings of the scheduler that a file names itself, in the words of diffusers; {} where it names none.

    They stand in its metadata by the Stability.AI Model Metadata Standard 1.0 (`modelspec.prediction_type`,
    or `predict_key` as ComfyUI writes it, or the architecture), or in the names of the empty tensors "v_pred"
    and "ztsnr".

    Raises:
        ModelError: it was trained in a way that is not known here.
    """
    if any(name in held for name in ("edm_mean", "edm_vpred.sigma_max")):
        raise ModelError(f"{str(file)!r} was trained with EDM's preconditioning, which is not known here")
    named = metadata.get("modelspec.prediction_type", metadata.get("modelspec.predict_key", ""))
    told = _PREDICTIONS.get(named) or _ARCHITECTURES.get(metadata.get("modelspec.architecture", ""))
    if "v_pred" in held:
        told = "v_prediction"
    says: dict[str, Any] = {} if told is None else {"prediction_type": told}
    if "ztsnr" in held:
        says |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return says


def looks_like_v(file: Path, held: Mapping[str, Held]) -> bool:
    """Whether the weights of a Stable Diffusion 2 look like those that predict v, by one tensor's spread.

    Raises:
        ModelError: the file cannot be read.
    """
    if _TELLS not in held:
        return True
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return float(opened.get_tensor(_TELLS).float().std(correction=0)) > _WIDE
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {str(file)!r}: {' '.join(str(error).split())[:200]}") from None
