"""Models changed by LoRA files: their layers get other weights, and everything else is shared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from negspace.errors import ModelError
from negspace.models.lora.file import LoraLayers, read_lora
from negspace.models.lora.folder import AddedLora
from negspace.models.lora.names import LayerNames, NamedLayer
from negspace.models.lora.updates import LayerUpdate


def sharing_copy(network: Any) -> Any:
    """A copy of a network with the same tensors: it takes no memory, and its layers can be changed alone."""
    tensors = chain(network.parameters(), network.buffers())
    return deepcopy(network, {id(tensor): tensor for tensor in tensors})


def with_loras(
    loras: Sequence[AddedLora], names: LayerNames, networks: Mapping[str, Any], denoiser: str
) -> dict[str, Any]:
    """Those of the networks that LoRA files change, with the files added in their order.

    Args:
        loras: the files.
        names: of the layers of the networks.
        networks: the parts of a model by folder; they stay as they are.
        denoiser: which of them makes the picture.

    Raises:
        ModelError: a file cannot be applied whole.
    """
    changed: dict[str, Any] = {}
    for lora in loras:
        content = read_lora(lora.file)
        for key, target, update in _targets(lora.file, content, names):
            if target.part not in changed:
                changed[target.part] = sharing_copy(networks[target.part])
            strength = lora.strength if target.part == denoiser else lora.text_strength
            try:
                _write(changed[target.part], target, update, strength)
            except (RuntimeError, ValueError) as error:
                layers = " and ".join(rows.layer for rows in target.rows)
                reason = f"{key} does not fit {layers} ({' '.join(str(error).split())[:120]})"
                raise ModelError(f"LoRA {lora.file.name!r} is for another model: {reason}") from None
    return changed


def _targets(
    file: Path, content: LoraLayers, names: LayerNames
) -> Iterator[tuple[str, NamedLayer, LayerUpdate]]:
    """(a tensor of an update, what it changes, the update), for all of a file.

    Raises:
        ModelError: a layer is not there, or is changed twice.
    """
    owners: dict[tuple[str, str, int], str] = {}
    for layer, update in content.updates.items():
        key, target = content.keys[layer], names.find(layer)
        if target is None:
            raise ModelError(f"LoRA {file.name!r} is for another model: this one has no {key}")
        for rows in target.rows:
            place = (target.part, rows.layer, rows.start)
            if place in owners:
                raise ModelError(f"LoRA {file.name!r}: {key} changes what {owners[place]} changes too")
            owners[place] = key
        yield key, target, update


def _write(network: Any, target: NamedLayer, update: LayerUpdate, strength: float) -> None:
    """Give the layers of a target other weights.

    Raises:
        RuntimeError, ValueError: the update does not fit them.
    """
    _set_rows(network, "weight", target, lambda weight: update.changed(weight, strength))
    if update.changes_bias:
        _set_rows(network, "bias", target, lambda bias: update.changed_bias(bias, strength))


def _set_rows(network: Any, name: str, target: NamedLayer, change: Callable[[Tensor], Tensor]) -> None:
    """Change rows of a parameter of some layers, in float32; the old one, which others share, stays."""
    modules = [network.get_submodule(rows.layer) for rows in target.rows]
    if any(getattr(module, name, None) is None for module in modules):
        raise ValueError(f"it has no {name}")
    pieces = [
        getattr(module, name).detach()[rows.start : rows.stop].float()
        for module, rows in zip(modules, target.rows, strict=True)
    ]
    changed = change(torch.cat(pieces))
    if not bool(changed.isfinite().all()):
        raise ValueError("it holds values that are no numbers")
    split = changed.split([len(piece) for piece in pieces])
    for module, rows, piece in zip(modules, target.rows, split, strict=True):
        before = getattr(module, name)
        value = torch.empty_like(before).copy_(before)  # keeps the order in memory
        value[rows.start : rows.stop] = piece
        setattr(module, name, torch.nn.Parameter(value, requires_grad=False))
