"""The judges of pictures that users liked or disliked."""

import threading
from collections.abc import Callable
from typing import final

from negspace.judge import Judge, embedded_judge
from negspace.models.files.source import EMBEDDED
from negspace.serve.catalogue import Catalogue


@final
class Judges:
    """The judge of each model, opened at its first use. May be called by any thread.

    Args:
        catalogue: has the files of each model.
        open: opens the judge of the embedded model, the only model with a judge of its own.
    """

    def __init__(self, catalogue: Catalogue, open: Callable[[], Judge] = embedded_judge) -> None:
        self._catalogue = catalogue
        self._open = open
        self._lock = threading.Lock()
        self._embedded: Judge | None = None

    def of(self, model: str) -> Judge | None:
        """The judge of a model's pictures; None if it has none.

        Raises:
            JudgeError: the judge does not fit the weights.
        """
        if self._catalogue.source(model).path != EMBEDDED:
            return None
        with self._lock:
            if self._embedded is None:
                self._embedded = self._open()
            return self._embedded
