"""Live servers: the whole application behind a real socket, in a thread of the tests or in a process."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

import uvicorn

from negspace.serve.run import Server, uvicorn_config
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings

_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(  # what takes seconds to import is imported once
    [
        "negspace.serve.run",
        "diffusers.models.autoencoders.autoencoder_kl",
        "diffusers.models.unets.unet_2d_condition",
        "diffusers.schedulers.scheduling_dpmsolver_multistep",
        "transformers.models.clip.modeling_clip",
        "tests.serve.live",
    ]
)


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
def serving(settings: ServerSettings) -> Iterator[Live]:
    """A server in a thread, for as long as the block lasts."""
    service = Service(settings.model_copy(update={"port": 0}))
    server = uvicorn.Server(uvicorn_config(service))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        yield Live(f"http://127.0.0.1:{_port(server)}", service)
    finally:
        server.should_exit = True
        thread.join(30)


@dataclass(frozen=True)
class Apart:
    """A server in a process of its own.

    Attributes:
        url: where it listens, without a slash at the end.
        process: that it is.
    """

    url: str
    process: ForkServerProcess

    def send(self, signal_: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, signal_)


def apart(settings: ServerSettings) -> Apart:
    """A server in a process of its own, once it listens."""
    here, there = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_serve, args=(settings, there), daemon=True)
    process.start()
    assert here.poll(120), "the server did not start"
    return Apart(f"http://127.0.0.1:{here.recv()}", process)


def _serve(settings: ServerSettings, tell: Connection) -> None:
    service = Service(settings.model_copy(update={"port": 0}))
    config = uvicorn_config(service)
    config.timeout_graceful_shutdown = 60
    server = Server(config, service)

    def tell_port() -> None:
        while not server.started:
            time.sleep(0.01)
        tell.send(_port(server))

    threading.Thread(target=tell_port, daemon=True).start()
    server.run()


def _port(server: uvicorn.Server) -> int:
    return server.servers[0].sockets[0].getsockname()[1]
