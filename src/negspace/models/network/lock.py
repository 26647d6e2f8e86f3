"""Turns: many threads ask a network at once, and one that changes it has it to itself."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final


@final
class ReadWriteLock:
    """Who may ask now. Who waits to be alone goes before those that come after."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._beside = 0
        self._waiting = 0
        self._taken = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """A turn beside others of its kind."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and not self._waiting)
            self._beside += 1
        try:
            yield
        finally:
            with self._changed:
                self._beside -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A turn while nobody else has one."""
        with self._changed:
            self._waiting += 1
            self._changed.wait_for(lambda: not self._taken and not self._beside)
            self._waiting -= 1
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()
