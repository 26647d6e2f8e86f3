"""A live server in a thread of the tests: the whole application behind a real socket."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from negspace.serve.app import create_app
from negspace.serve.service import Service
from negspace.serve.settings import Settings


@dataclass(frozen=True)
class Live:
    """A server that runs.

    Attributes:
        url: where it listens, without a slash at the end.
        service: what is behind it.
    """

    url: str
    service: Service


@contextmanager
def serving(settings: Settings) -> Iterator[Live]:
    """A server for as long as the block lasts."""
    service = Service(settings)
    config = uvicorn.Config(create_app(service), host="127.0.0.1", port=0, log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Live(f"http://127.0.0.1:{port}", service)
    finally:
        server.should_exit = True
        thread.join(30)
