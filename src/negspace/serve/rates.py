"""Bucket: how often somebody may ask. A token bucket; pure, the clock is the caller's."""

from typing import final


@final
class Bucket:
    """Holds a minute's worth of requests and is refilled steadily.

    Args:
        rate: requests a minute.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate / 60.0
        self._most = max(rate, 1.0)
        self._left = self._most
        self._seen: float | None = None

    def take(self, now: float) -> float:
        """Take one request out: 0, or the seconds until there is one.

        Args:
            now: in seconds, never less than before.
        """
        passed = 0.0 if self._seen is None else max(0.0, now - self._seen)
        self._seen = now
        self._left = min(self._most, self._left + passed * self._rate)
        if self._left >= 1.0:
            self._left -= 1.0
            return 0.0
        return (1.0 - self._left) / self._rate
