"""The parts of an opened model, and the same with LoRA files added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from negspace.encoding import Cache, Cached, Encoder, TextEncoder
from negspace.errors import ModelError
from negspace.models.architecture.family import Family
from negspace.models.files.fingerprint import WeightFiles
from negspace.models.files.source import Saving
from negspace.models.hardware import Placement
from negspace.models.loading.savings import save_memory
from negspace.models.lora.apply import sharing_copy, with_loras
from negspace.models.lora.folder import AddedLora
from negspace.models.lora.names import LayerNames
from negspace.records import LoraRecord


@dataclass(frozen=True, eq=False)
class LoadedParts:
    """The parts of a model, read.

    Attributes:
        family, placement: of the model.
        networks: by folder, in evaluation mode.
        encoders: its text encoders by folder.
        scheduler: settings of its scheduler.
        weights: what the pictures are made with.
        loras: what was added to them.
        untouched: copies of the networks that nothing works with, and that share their tensors; {} where
            requests may add no LoRA.
        savings: how memory is saved.
        cache: of all conditionings of this model, whatever is added.
    """

    family: Family
    placement: Placement
    networks: Mapping[str, Any]
    encoders: Mapping[str, TextEncoder]
    scheduler: dict[str, Any]
    weights: WeightFiles
    loras: tuple[LoraRecord, ...] = ()
    untouched: Mapping[str, Any] = field(default_factory=dict[str, Any])
    savings: tuple[Saving, ...] = ()
    cache: Cache = field(default_factory=Cache)

    @property
    def denoiser(self) -> Any:
        """The network that makes the picture."""
        return self.networks[self.family.denoiser.folder]

    @property
    def vae(self) -> Any:
        """The network that decodes it."""
        return self.networks[self.family.vae.folder]

    @cached_property
    def encoder(self) -> Encoder:
        """What reads prompts."""
        encoders = list(self.encoders.values())
        return Cached(self.family.join_encoders(encoders, self.denoiser.config), self.cache)

    def with_loras(self, loras: Sequence[AddedLora]) -> "LoadedParts":
        """The same with LoRA files added. What they do not change is shared; of the network that makes the
        picture the tensors alone, because rules change its layers while they work.

        Raises:
            ModelError: requests may add none, or a file cannot be applied whole.
        """
        if not self.untouched:
            raise ModelError("this model was opened without a folder of LoRA files; give lora_dir")
        denoiser = self.family.denoiser.folder
        names = LayerNames(self.family, self.untouched)
        changed = with_loras(loras, names, self.untouched, denoiser)
        changed.setdefault(denoiser, sharing_copy(self.untouched[denoiser]))
        networks = {**self.networks, **changed}
        save_memory(self.savings, self.family, networks, self.placement)
        encoders = {
            part: encoder.with_model(changed[part]) if part in changed else encoder
            for part, encoder in self.encoders.items()
        }
        return replace(
            self,
            networks=networks,
            encoders=encoders,
            weights=self.weights.with_added((lora.label, lora.file) for lora in loras),
            loras=(*self.loras, *(lora.record() for lora in loras)),
            untouched={},
        )
