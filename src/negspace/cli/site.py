"""Where the pictures of a long measurement are made."""

import os
import sys

from negspace.generate import Model
from negspace.lab.crew import Site


def site_of(model: Model, workers: int | None, cluster: str | None) -> Site:
    """Where the pictures of a long measurement are made.

    Where nothing was asked for, on a CPU one process a core, as far as half of the memory holds them all:
    forwards of small pictures gain little from a second thread. Else this process alone.

    Raises:
        LabError: that cannot be.
    """
    if workers is None and cluster is None and sys.platform == "linux":
        from resource import RUSAGE_SELF, getrusage

        if model.network().device.type == "cpu":
            cores = len(os.sched_getaffinity(0))
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            workers = max(1, min(cores, memory // 2 // (1024 * getrusage(RUSAGE_SELF).ru_maxrss)))
    return Site(workers, cluster)
