"""Running the application: uvicorn, with a stop that lets what was accepted come to its end."""

import ipaddress
import socket
from types import FrameType
from typing import final

import uvicorn

from negspace.errors import RequestError
from negspace.serve.app import create_app
from negspace.serve.observe.job_log import write_lines
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings


def refuse_open_door(settings: ServerSettings) -> None:
    """Stop where strangers could come in: no keys, and an address that others can reach.

    Raises:
        RequestError: so it is.
    """
    if settings.keys is None and not _is_loopback(settings.host):
        raise RequestError(
            f"without keys the server listens on loopback only, not on {settings.host}; "
            "give --keys FILE or --host 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        raise RequestError(f"host {host!r} is no address of this machine") from None
    return all(ipaddress.ip_address(str(one[4][0]).split("%")[0]).is_loopback for one in found)


@final
class Server(uvicorn.Server):
    """A uvicorn that says at the first signal that no more requests are taken."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.drain()
        super().handle_exit(sig, frame)


def run(settings: ServerSettings) -> None:
    """Serve until a signal says to stop.

    Raises:
        NegspaceError: the settings cannot be served.
    """
    refuse_open_door(settings)
    write_lines()
    service = Service(settings)
    config = uvicorn.Config(
        create_app(service),
        host=settings.host,
        port=settings.port,
        log_config=None,  # everything goes where our own lines go
        access_log=False,
        timeout_graceful_shutdown=max(1, int(settings.grace)),
        server_header=False,
    )
    Server(config, service).run()
