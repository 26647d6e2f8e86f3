"""Models with LoRA files of requests added, made when one is first asked for."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar, final
from weakref import WeakValueDictionary

from negspace.errors import ModelError, RequestError
from negspace.models.base import Network
from negspace.models.lora.folder import AddedLora, added_loras
from negspace.request import LoraUse

Variant = TypeVar("Variant")

_KEPT = 2
"""Sets of LoRA files whose weights stay in memory when nothing uses them; one takes the layers it changes."""


@final
class LoraVariants(Generic[Variant]):
    """The variants of one model: one object for each set of files while it is in use, and the last few.

    Args:
        make: adds files to the model.
    """

    def __init__(self, make: Callable[[tuple[AddedLora, ...]], Variant]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._known: WeakValueDictionary[object, Variant] = WeakValueDictionary()
        self._last: deque[Variant] = deque(maxlen=_KEPT)

    def get(self, loras: Sequence[AddedLora]) -> Variant:
        """The variant with these files as they are now on the disk.

        Raises:
            ModelError: a file cannot be applied whole.
        """
        stats = [lora.file.stat() for lora in loras]
        key = (*loras, *((stat.st_size, stat.st_mtime_ns) for stat in stats))
        with self._lock:
            variant = self._known.get(key)
            if variant is None:
                variant = self._known[key] = self._make(tuple(loras))
            if variant not in self._last:
                self._last.append(variant)
            return variant


def with_named_loras(
    network: Network, uses: Sequence[LoraUse], stamps: Sequence[str], folder: str | Path | None
) -> Network:
    """A network with the files of a folder added that a plan names.

    Raises:
        RequestError: one is gone, was changed, or cannot be added whole. It is called by its name, because
            not all may know its place.
    """
    added = added_loras(uses, stamps, folder)
    try:
        return network.with_loras(added)
    except ModelError as error:
        reason = str(error)
        for lora in added:
            reason = reason.replace(str(lora.file), lora.name)
        raise RequestError(reason) from error
