"""How a model in one file was trained: hints in its metadata, tensor names and weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from negspace.errors import ModelError
from negspace.models.files.headers import Header, TensorHeader

_TENSOR = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
_LARGEST = 0.09
"""Standard deviation of that tensor above which a Stable Diffusion 2 predicts v: a heuristic of ComfyUI."""

_PREDICTIONS = {"v": "v_prediction", "epsilon": "epsilon"}
_ARCHITECTURES = {"stable-diffusion-v2-512": "epsilon", "stable-diffusion-v2-768-v": "v_prediction"}


def scheduler_hints(file: Path, header: Header) -> dict[str, Any]:
    """Settings of the scheduler that a file itself names, as diffusers calls them; {} where it names none.

    They are in its metadata by the Stability.AI Model Metadata Standard 1.0 (`modelspec.prediction_type`,
    or `predict_key` as ComfyUI writes it, or the architecture), or in the names of the empty tensors "v_pred"
    and "ztsnr".

    Raises:
        ModelError: it was trained in a way that is not known here.
    """
    tensors, metadata = header.tensors, header.metadata
    if any(name in tensors for name in ("edm_mean", "edm_vpred.sigma_max")):
        raise ModelError(f"{str(file)!r} was trained with EDM's preconditioning, which is not known here")
    named = metadata.get("modelspec.prediction_type", metadata.get("modelspec.predict_key", ""))
    prediction = _PREDICTIONS.get(named) or _ARCHITECTURES.get(metadata.get("modelspec.architecture", ""))
    if "v_pred" in tensors:
        prediction = "v_prediction"
    hints: dict[str, Any] = {} if prediction is None else {"prediction_type": prediction}
    if "ztsnr" in tensors:
        hints |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return hints


def looks_like_v(file: Path, tensors: Mapping[str, TensorHeader]) -> bool:
    """Whether the weights of a Stable Diffusion 2 look like those that predict v, by one tensor's spread.

    Raises:
        ModelError: the file cannot be read.
    """
    if _TENSOR not in tensors:
        return True
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return float(opened.get_tensor(_TENSOR).float().std(correction=0)) > _LARGEST
    except (OSError, SafetensorError) as error:
        raise ModelError(f"cannot read {str(file)!r}: {' '.join(str(error).split())[:200]}") from None
