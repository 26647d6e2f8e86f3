"""Ways to get by with less memory, at the cost of time, by accelerate and diffusers."""

from collections.abc import Mapping, Sequence
from typing import Any

from negspace.errors import ModelError
from negspace.models.architecture.family import Family
from negspace.models.files.source import Saving
from negspace.models.hardware import Placement


def save_memory(
    savings: Sequence[Saving], family: Family, networks: Mapping[str, Any], placement: Placement
) -> None:
    """Arrange networks so that they take less memory. What comes out is the same to float tolerance.

    - "model offload" keeps every network in main memory but for the time it works.
    - "sequential offload" does so for every layer of the denoiser and the VAE.
    - "vae tiling" and "vae slicing" decode a picture in tiles, a batch one by one.
    - "attention slicing" computes attention heads one after the other.

    Args:
        networks: the parts of a model by folder; they are changed.

    Raises:
        ModelError: a network has no such way, or two exclude each other.
    """
    if {"model offload", "sequential offload"} <= set(savings):
        raise ModelError("model offload and sequential offload exclude each other; choose one")
    vae, denoiser = networks[family.vae.folder], networks[family.denoiser.folder]
    for saving in savings:
        match saving:
            case "vae tiling":
                _method_of(vae, "enable_tiling", saving)()
            case "vae slicing":
                _method_of(vae, "enable_slicing", saving)()
            case "attention slicing":
                _method_of(denoiser, "set_attention_slice", saving)("auto")
            case "model offload":
                _offload_models(list(networks.values()), placement)
            case "sequential offload":
                _offload_layers(list(networks.values()), placement, (denoiser, vae))


def _method_of(network: Any, way: str, saving: str) -> Any:
    method = getattr(network, way, None)
    if method is None:
        raise ModelError(f"a {type(network).__name__} knows no {saving}; leave it out")
    return method


def _offload_models(networks: Sequence[Any], placement: Placement) -> None:
    from accelerate import cpu_offload_with_hook

    before: Any = None
    for network in networks:
        _, before = cpu_offload_with_hook(network.to("cpu"), placement.device, prev_module_hook=before)


def _offload_layers(networks: Sequence[Any], placement: Placement, apart: Sequence[Any]) -> None:
    from accelerate import cpu_offload

    whole = [network for network in networks if all(network is not other for other in apart)]
    _offload_models(whole, placement)
    for network in apart:
        cpu_offload(network.to("cpu"), placement.device, offload_buffers=True)
