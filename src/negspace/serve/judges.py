"""Judges: who looks at pictures that somebody liked or did not."""

import threading
from collections.abc import Callable
from typing import final

from negspace.judge import Judge, embedded_judge
from negspace.models.files.source import EMBEDDED
from negspace.serve.catalogue import Catalogue


@final
class Judges:
    """The judge of each model, opened when it is first asked for. May be called by any thread.

    Args:
        catalogue: knows where each model lies.
        open: reads the judge of the embedded model, which is the only one with a judge of its own.
    """

    def __init__(self, catalogue: Catalogue, open: Callable[[], Judge] = embedded_judge) -> None:
        self._catalogue = catalogue
        self._open = open
        self._lock = threading.Lock()
        self._own: Judge | None = None

    def of(self, model: str) -> Judge | None:
        """Who looks at the pictures of a model; None is nobody.

        Raises:
            JudgeError: the judge does not fit the weights.
        """
        if self._catalogue.source(model).place != EMBEDDED:
            return None
        with self._lock:
            if self._own is None:
                self._own = self._open()
            return self._own
