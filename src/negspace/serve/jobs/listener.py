"""Listener: who hears, in the threads of the worker, what becomes of orders."""

from abc import ABC, abstractmethod

from PIL import Image

from negspace.generate import Result
from negspace.serve.jobs.events import JobProgress
from negspace.serve.jobs.job import AcceptedJob


class JobListener(ABC):
    """Hears, in the threads of the worker, what becomes of orders."""

    @abstractmethod
    def advanced(self, job: AcceptedJob, progress: JobProgress) -> None:
        """Steps were taken for it."""

    @abstractmethod
    def previewed(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        """What one picture of it is going to look like, so far on its way."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """So many pictures took a step together, with so many rows."""

    @abstractmethod
    def made(self, job: AcceptedJob, result: Result) -> None:
        """Its pictures are there."""

    @abstractmethod
    def failed(self, job: AcceptedJob, error: Exception) -> None:
        """It ended without pictures."""
