"""What happens to a job, as plain values."""

from dataclasses import dataclass

from negspace.receipt import Receipt
from negspace.serve.refusal import Refusal


@dataclass(frozen=True)
class JobProgress:
    """Steps taken.

    Attributes:
        done, total: evaluation steps, over all pictures of the job.
    """

    done: int
    total: int


@dataclass(frozen=True)
class Preview:
    """What a picture looks like on its way.

    Attributes:
        index: which picture of the job.
        done, total: its own evaluation steps.
        png: a small PNG.
    """

    index: int
    done: int
    total: int
    png: bytes


@dataclass(frozen=True)
class Picture:
    """A finished picture.

    Attributes:
        id: by which it is asked for; it names the job and the place in it.
        png: the file, with infotext and receipt in it.
        receipt: of this picture alone.
    """

    id: str
    png: bytes
    receipt: Receipt


@dataclass(frozen=True)
class Finished:
    """A job that came to its end.

    Attributes:
        id: of the job.
        pictures: in the order of their seeds.
        receipt: of all of them.
        seconds: from acceptance to the end.
    """

    id: str
    pictures: tuple[Picture, ...]
    receipt: Receipt
    seconds: float


@dataclass(frozen=True)
class Done:
    """The job is finished."""

    finished: Finished


@dataclass(frozen=True)
class Failed:
    """The job ended without pictures."""

    refusal: Refusal


Event = JobProgress | Preview | Done | Failed
"""The last event of a job is Done or Failed."""


def picture_id(job: str, index: int) -> str:
    """The id of picture `index` of a job."""
    return f"{job}-{index}"


def job_of(picture: str) -> str:
    """The id of the job of a picture, by the picture's."""
    return picture.rpartition("-")[0]
