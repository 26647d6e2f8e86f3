"""Meter: who counts, writes down or traces what happens."""

from abc import ABC, abstractmethod

from negspace.serve.jobs.events import Finished
from negspace.serve.jobs.job import Order
from negspace.serve.refusal import Refusal


class Meter(ABC):
    """Hears what happens. Called by any thread."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """So many pictures took a step together, with so many rows."""

    @abstractmethod
    def finished(self, order: Order, finished: Finished) -> None:
        """A job came to its end."""

    @abstractmethod
    def failed(self, order: Order, why: Refusal) -> None:
        """A job ended without pictures."""
