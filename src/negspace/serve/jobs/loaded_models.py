"""The models in memory. The one that was not used for longest makes room, unless a job runs on it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import final

from negspace.generate import Model

_READING = threading.Lock()
"""Held while weights are read: transformers builds a model on a device that it sets for all threads."""


@final
class LoadedModels:
    """Models in memory. Opening takes seconds, so it happens in a thread of its own.

    Args:
        open: reads a model by name.
        capacity: how many are kept.
        opened: called, in that other thread, whenever one was opened or could not be.
    """

    def __init__(self, open: Callable[[str], Model], capacity: int, opened: Callable[[], None]) -> None:
        self._open = open
        self._capacity = capacity
        self._opened = opened
        self._lock = threading.Lock()
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._opening: set[str] = set()
        self._failures: dict[str, Exception] = {}

    def get(self, name: str, in_use: Collection[str] = ()) -> Model | None:
        """A model; None while it is being opened or there is no room for it yet.

        Args:
            in_use: names of models that may not be dropped now.

        Raises:
            Exception: what opening it raised, once; asking again tries again.
        """
        with self._lock:
            if name in self._failures:
                raise self._failures.pop(name)
            if name in self._models:
                self._models.move_to_end(name)
                return self._models[name]
            if name in self._opening:
                return None
            idle = [loaded for loaded in self._models if loaded not in in_use]
            while idle and len(self._models) + len(self._opening) >= self._capacity:
                del self._models[idle.pop(0)]
            if len(self._models) + len(self._opening) >= self._capacity:
                return None
            self._opening.add(name)
        threading.Thread(target=self._load, args=(name,), name=f"open {name}", daemon=True).start()
        return None

    def _load(self, name: str) -> None:
        try:
            with _READING:
                model = self._open(name)
            with self._lock:
                self._models[name] = model
        except Exception as error:  # raised in whoever asks for the model next
            with self._lock:
                self._failures[name] = error
        with self._lock:
            self._opening.discard(name)
        self._opened()
