"""LoRA files, added to the weights when a model is opened. Hu et al., arXiv 2106.09685: W + weight * B A."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from negspace.errors import ModelError
from negspace.models.architecture.family import Family
from negspace.models.files.headers import read_header
from negspace.models.loading.reading import FAILURES, quiet, read_error

if TYPE_CHECKING:
    from torch import Tensor

_DOWN = (".lora_A.weight", ".lora.down.weight", ".lora_down.weight")


def check_lora(file: Path) -> None:
    """Look at a LoRA file without reading it.

    Raises:
        ModelError: it is not there, damaged, or holds no LoRA.
    """
    if file.suffix != ".safetensors":
        raise ModelError(f"{str(file)!r} is no safetensors file, the only kind of LoRA that is opened")
    if not any("lora" in name for name in read_header(file).tensors):
        raise ModelError(f"{str(file)!r} holds no LoRA")


def add_loras(family: Family, loras: Sequence[tuple[str | Path, float]], networks: Mapping[str, Any]) -> None:
    """Add LoRA files to networks, each with its weight.

    Args:
        networks: the parts of a model by folder; their weights are changed.

    Raises:
        ModelError: a file is for another family, or for another size of this one.
    """
    for file, weight in loras:
        with quiet():
            try:
                _add(family, Path(file), weight, networks)
            except ImportError as error:
                raise ModelError(f"a LoRA needs the library peft: {error}") from None
            except FAILURES as error:
                raise read_error(Path(file), error) from None


def _add(family: Family, file: Path, weight: float, networks: Mapping[str, Any]) -> None:
    from diffusers.loaders.lora_base import fuse_text_encoder_lora
    from diffusers.utils.peft_utils import recurse_remove_peft_layers
    from safetensors.torch import load_file

    if not family.lora_mixin:
        raise ModelError(f"{str(file)!r} cannot be added: nothing reads a LoRA for {family.title}")
    mixin = getattr(import_module("diffusers.loaders.lora_pipeline"), family.lora_mixin)
    denoiser = networks[family.denoiser.folder]
    state, alphas = _translated(mixin, load_file(file), denoiser)
    touched = _touched(file, state, networks)
    loader = (
        mixin.load_lora_into_unet if family.denoiser.folder == "unet" else mixin.load_lora_into_transformer
    )
    if family.denoiser.folder in touched:
        network_alphas = (
            {"network_alphas": alphas} if "network_alphas" in signature(loader).parameters else {}
        )
        loader(state, **{family.denoiser.folder: denoiser}, adapter_name="added", **network_alphas)
        denoiser.fuse_lora(lora_scale=weight)
        denoiser.unload_lora()
    for part in family.text_encoders:
        if part.folder in touched:
            model = networks[part.folder]
            mixin.load_lora_into_text_encoder(state, alphas, model, prefix=part.folder, adapter_name="added")
            fuse_text_encoder_lora(model, lora_scale=weight)
            recurse_remove_peft_layers(model)
            del model.peft_config
            model._hf_peft_config_loaded = False


def _translated(mixin: Any, state: "dict[str, Tensor]", denoiser: Any) -> tuple[dict[str, Any], Any]:
    """(tensors under the names of diffusers, their alphas or None)."""
    extra = {"unet_config": denoiser.config} if "unet" in getattr(mixin, "_lora_loadable_modules", ()) else {}
    converted = mixin.lora_state_dict(state, **extra)
    return (converted[0], converted[1]) if isinstance(converted, tuple) else (converted, None)


def _touched(file: Path, state: Mapping[str, Any], networks: Mapping[str, Any]) -> set[str]:
    """The parts that a LoRA changes; every layer that it names must be there.

    Raises:
        ModelError: one is not.
    """
    touched: set[str] = set()
    known = {name: {inner for inner, _ in network.named_modules()} for name, network in networks.items()}
    for name in state:
        ending = next((end for end in _DOWN if name.endswith(end)), None)
        if ending is None:
            continue
        part, _, layer = name.removesuffix(ending).partition(".")
        if layer.removeprefix("text_model.") not in known.get(part, set()) and layer not in known.get(
            part, set()
        ):
            raise ModelError(f"{str(file)!r} is for another model: this one has no {part}.{layer}")
        touched.add(part)
    if not touched:
        raise ModelError(f"{str(file)!r} holds no LoRA that is known here")
    return touched
