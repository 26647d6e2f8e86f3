"""A PostgreSQL of the tests' own, from the programs that Debian's package brings."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLACES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def programs() -> Path | None:
    """The folder with initdb and pg_ctl; None where there is none."""
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else _PLACES
    return next((place for place in places if (place / "initdb").exists()), None)


@contextmanager
def postgres(bin: Path) -> Iterator[str]:
    """The URL of an empty server for as long as the block lasts. Root lends it a user, as it refuses root."""
    folder = Path(tempfile.mkdtemp(prefix="negspace-postgres-"))
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        _run(as_user, bin / "initdb", "-D", data, "-U", "tests", "-A", "trust", "--no-sync")
        _run(as_user, bin / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        yield f"postgresql+psycopg://tests@127.0.0.1:{port}/postgres"
    finally:
        _run(as_user, bin / "pg_ctl", "-D", data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _run(as_user: list[str], *command: object, check: bool = True) -> None:
    subprocess.run(
        [*as_user, *map(str, command)],
        check=check,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
