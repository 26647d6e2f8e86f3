"""Connections on which nobody asks for anything: closed in time, and few enough to leave room for others."""

import asyncio
import resource
from collections import OrderedDict
from functools import partial
from typing import Any, final

from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST_FILES = 65_536


@final
class SilentConnections:
    """The connections that have not sent a whole head of a request, the oldest first.

    Args:
        seconds: how long a connection may take for it.
        most: how many may wait at once. One more closes the oldest, so that strangers who open connections
            and say nothing leave room for clients that ask at once.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._waiting: OrderedDict[asyncio.Transport, asyncio.TimerHandle] = OrderedDict()

    def protocol(self, **options: Any) -> asyncio.Protocol:
        """A connection of uvicorn that is counted here, for `uvicorn.Config(http=...)`."""
        return _CountedProtocol(self, **options)

    def begin(self, transport: asyncio.Transport) -> None:
        """Wait for the head of a request, from the first of these calls on."""
        if transport in self._waiting:
            return
        loop = asyncio.get_running_loop()
        self._waiting[transport] = loop.call_later(self._seconds, partial(self._close, transport))
        if len(self._waiting) > self._most:
            self._close(next(iter(self._waiting)))

    def end(self, transport: asyncio.Transport) -> None:
        """The head is there, or the connection is closed."""
        timer = self._waiting.pop(transport, None)
        if timer is not None:
            timer.cancel()

    def _close(self, transport: asyncio.Transport) -> None:
        self.end(transport)
        transport.abort()


class _CountedProtocol(H11Protocol):
    """HTTP/1.1 of uvicorn, which itself waits without an end for the head of a request."""

    def __init__(self, silent: SilentConnections, **options: Any) -> None:
        super().__init__(**options)
        self._silent = silent

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._silent.begin(transport)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._silent.begin(self.transport)  # a part of a head, perhaps of a further request
        else:
            self._silent.end(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._silent.end(self.transport)
        super().connection_lost(exc)


def allow_many_files() -> None:
    """Raise the number of files that the process may hold open, one a connection, as far as it may itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
