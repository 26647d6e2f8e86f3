"""Running the application in uvicorn. When it stops, accepted requests may finish."""

import asyncio
import ipaddress
import socket
from types import FrameType
from typing import cast, final

import uvicorn

from negspace.errors import RequestError
from negspace.serve.access.connections import SilentConnections, allow_many_files
from negspace.serve.app import create_app
from negspace.serve.observe import log_as_json_lines
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings


def require_keys_or_loopback(settings: ServerSettings) -> None:
    """Refuse to start without keys on an address that other machines can reach.

    Raises:
        RequestError: there are no keys, and the address is not loopback.
    """
    if settings.keys is None and not _is_loopback(settings.host):
        raise RequestError(
            f"without keys the server listens on loopback only, not on {settings.host}; "
            "give --keys FILE or --host 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    try:
        addresses = [str(info[4][0]) for info in socket.getaddrinfo(host, None)]
    except OSError:
        raise RequestError(f"host {host!r} is not an address of this machine") from None
    return all(ipaddress.ip_address(address.split("%")[0]).is_loopback for address in addresses)


@final
class Server(uvicorn.Server):
    """A uvicorn that accepts no more requests from the first signal on."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._service.drain()
        super().handle_exit(sig, frame)


def run(settings: ServerSettings) -> None:
    """Serve until a signal to stop.

    Raises:
        NegspaceError: the settings cannot be served.
    """
    require_keys_or_loopback(settings)
    log_as_json_lines()
    allow_many_files()
    service = Service(settings)
    config = uvicorn_config(service)
    Server(config, service).run()


def uvicorn_config(service: Service) -> uvicorn.Config:
    """How uvicorn serves a service."""
    settings = service.settings
    silent = SilentConnections(settings.head_seconds, settings.silent_connections)
    return uvicorn.Config(
        create_app(service),
        http=cast(type[asyncio.Protocol], silent.protocol),
        ws="none",
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=list(settings.proxies),
        host=settings.host,
        port=settings.port,
        log_config=None,  # the log handler of this process writes its records too
        access_log=False,
        timeout_graceful_shutdown=max(1, int(settings.grace)),
        server_header=False,
    )
