"""The time, on a clock that nobody sets while the process runs."""

import time
from typing import Final

_BEGAN: Final = time.time() - time.monotonic()


def now() -> float:
    """Seconds since the epoch: as the machine's clock had them when the process began, and moved on since.

    Durations and deadlines stay right where the machine's clock is set, forward or back.
    """
    return _BEGAN + time.monotonic()
