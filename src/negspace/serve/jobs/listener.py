"""Listener: who hears, in the threads of the worker, what becomes of orders."""

from abc import ABC, abstractmethod

from PIL import Image

from negspace.generate import Result
from negspace.serve.jobs.events import JobProgress
from negspace.serve.jobs.job import Order


class Listener(ABC):
    """Hears, in the threads of the worker, what becomes of orders."""

    @abstractmethod
    def advanced(self, order: Order, progress: JobProgress) -> None:
        """Steps were taken for it."""

    @abstractmethod
    def seen(self, order: Order, index: int, progress: JobProgress, image: Image.Image) -> None:
        """What one picture of it is going to look like, so far on its way."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """So many pictures took a step together, with so many rows."""

    @abstractmethod
    def made(self, order: Order, result: Result) -> None:
        """Its pictures are there."""

    @abstractmethod
    def failed(self, order: Order, error: Exception) -> None:
        """It ended without pictures."""
