"""fingerprint: which weights a picture was made with."""

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from negspace.errors import OutputError
from negspace.files import write_whole


@dataclass(frozen=True)
class WeightFiles:
    """The weights of a model, to be told apart from others.

    Attributes:
        folder, files: where they lie.
        added: files from elsewhere that change what they do, each with a word on how.
        settings: what else changes what they do, in words.
    """

    folder: Path
    files: tuple[Path, ...]
    added: tuple[tuple[str, Path], ...] = ()
    settings: tuple[str, ...] = ()

    def replacements(self) -> tuple[str, ...]:
        """The files from elsewhere and the settings, for people."""
        files = (
            f"{how} {file.name}, sha256 {fingerprint(file.parent, [file])[:12]}" for how, file in self.added
        )
        return (*files, *self.settings)

    def with_added(self, added: Iterable[tuple[str, Path]]) -> "WeightFiles":
        """The same with more files from elsewhere."""
        return replace(self, added=(*self.added, *added))

    def sha256(self) -> str:
        """In hex. The first call may read all files."""
        own = fingerprint(self.folder, self.files)
        if not self.added and not self.settings:
            return own
        more = (f"{how}:{fingerprint(file.parent, [file])}" for how, file in self.added)
        return hashlib.sha256("\n".join([own, *more, *self.settings]).encode()).hexdigest()


def fingerprint(folder: Path, files: Iterable[Path]) -> str:
    """sha256 in hex over the names and contents of weight files, whatever the folder is called.

    The digest of each file is kept in the user's cache by its place, size and time of change, because reading
    gigabytes takes seconds.
    """
    whole = hashlib.sha256()
    known = _read_cache()
    before = dict(known)
    for file in sorted(files):
        stat = file.stat()
        key = f"{file.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in known:
            with file.open("rb") as opened:
                known[key] = hashlib.file_digest(opened, "sha256").hexdigest()
        whole.update(f"{file.relative_to(folder).as_posix()}:{known[key]}\n".encode())
    if known != before:
        _write_cache(known)
    return whole.hexdigest()


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "negspace" / "fingerprints.json"


def _read_cache() -> dict[str, str]:
    with suppress(OSError, ValueError):
        return dict(json.loads(_cache_file().read_text(encoding="utf-8")))
    return {}


def _write_cache(known: dict[str, str]) -> None:
    with suppress(OSError, OutputError):  # a cache that cannot be kept costs seconds, not the picture
        file = _cache_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole({file: json.dumps(known).encode()})
