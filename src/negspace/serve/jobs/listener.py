"""What the worker reports of its jobs."""

from abc import ABC, abstractmethod

from PIL import Image

from negspace.generate import Result
from negspace.serve.jobs.events import JobProgress
from negspace.serve.jobs.job import AcceptedJob


class JobListener(ABC):
    """Is told, in the threads of the worker, what becomes of jobs."""

    @abstractmethod
    def advanced(self, job: AcceptedJob, progress: JobProgress) -> None:
        """Steps were taken for a job."""

    @abstractmethod
    def previewed(self, job: AcceptedJob, index: int, progress: JobProgress, image: Image.Image) -> None:
        """A preview of a picture of a job under way."""

    @abstractmethod
    def stepped(self, lanes: int, rows: int, seconds: float) -> None:
        """That many pictures took a step together, with that many rows."""

    @abstractmethod
    def finished(self, job: AcceptedJob, result: Result) -> None:
        """A job is finished."""

    @abstractmethod
    def failed(self, job: AcceptedJob, error: Exception) -> None:
        """A job ended without pictures."""
