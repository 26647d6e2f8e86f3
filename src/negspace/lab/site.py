"""Where the pictures of a measurement are made: in this process, in several, or on a cluster."""

from dataclasses import dataclass
from typing import Final, final

from negspace.errors import LabError
from negspace.generate import Model
from negspace.lab.cluster import Cluster
from negspace.lab.workers import InProcess, Processes, Workers


@final
@dataclass(frozen=True)
class Site:
    """Where pictures are made. They are the same everywhere.

    Attributes:
        workers: how many processes; None is one on this machine, and one per core of a cluster.
        cluster: address of a Ray cluster: "auto" for the one that this machine belongs to, "local" for a new
            one on this machine; None uses no cluster.
    """

    workers: int | None = None
    cluster: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise LabError(f"workers: {self.workers} is not a number of processes; give 1 or more")

    def open_workers(self, model: Model) -> Workers:
        """Start the workers for a model; the caller closes them.

        Raises:
            LabError: there is no such cluster.
        """
        if self.cluster is not None:
            return Cluster(model, self.cluster, self.workers)
        return InProcess(model) if self.workers in (None, 1) else Processes(model, self.workers)


HERE: Final = Site()
