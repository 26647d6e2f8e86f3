"""Packages that some judges need and that Negspace does not require."""

import hashlib
from importlib import import_module
from pathlib import Path
from typing import Any

from negspace.errors import JudgeError


def needed(module: str, judge: str, install: str) -> Any:
    """A module of another package, imported when it is first needed.

    Args:
        module: its name.
        judge: which judge needs it.
        install: what to give pip to get it.

    Raises:
        JudgeError: it is not installed, or cannot be imported.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise JudgeError(
            f"the judge {judge} needs {module}, which is not installed: pip install {install}"
        ) from None
    except ImportError as error:
        raise JudgeError(f"the judge {judge} cannot use {module}: {' '.join(str(error).split())}") from None


def sha256_of(files: list[Path]) -> str:
    """sha256 over the content of files, in hex.

    Raises:
        JudgeError: one of them cannot be read.
    """
    total = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        except OSError as error:
            raise JudgeError(f"{file} cannot be read: {error.strerror or error}") from None
    return total.hexdigest()
