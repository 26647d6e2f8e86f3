"""Residents: the models in memory. The one not asked for longest makes room, unless it is at work."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import final

from negspace.generate import Model


@final
class LoadedModels:
    """Models in memory. Opening takes seconds, so it happens in a thread of its own.

    Args:
        open: reads a model by name.
        room: how many are kept.
        opened: called, in that other thread, whenever one was opened or could not be.
    """

    def __init__(self, open: Callable[[str], Model], room: int, opened: Callable[[], None]) -> None:
        self._open = open
        self._room = room
        self._opened = opened
        self._lock = threading.Lock()
        self._models: OrderedDict[str, Model] = OrderedDict()
        self._opening: set[str] = set()
        self._amiss: dict[str, Exception] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Those in memory, the one not asked for longest first."""
        with self._lock:
            return tuple(self._models)

    def get(self, name: str, at_work: Collection[str] = ()) -> Model | None:
        """A model; None while it is being opened or there is no room for it yet.

        Args:
            name: of the model.
            at_work: names of models that may not be dropped now.

        Raises:
            Exception: what opening it raised, once; asking again tries again.
        """
        with self._lock:
            if name in self._amiss:
                raise self._amiss.pop(name)
            if name in self._models:
                self._models.move_to_end(name)
                return self._models[name]
            if name in self._opening:
                return None
            idle = [one for one in self._models if one not in at_work]
            while idle and len(self._models) + len(self._opening) >= self._room:
                del self._models[idle.pop(0)]
            if len(self._models) + len(self._opening) >= self._room:
                return None
            self._opening.add(name)
        threading.Thread(target=self._bring, args=(name,), name=f"open {name}", daemon=True).start()
        return None

    def _bring(self, name: str) -> None:
        try:
            model = self._open(name)
        except Exception as error:  # told to whoever asks for the model next
            with self._lock:
                self._amiss[name] = error
        else:
            with self._lock:
                self._models[name] = model
        with self._lock:
            self._opening.discard(name)
        self._opened()
