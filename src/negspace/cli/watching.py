"""New pictures in folders, as they come."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from negspace.cli.pictures import is_picture_name
from negspace.cli.show import err
from negspace.errors import JudgeError
from negspace.judge.packages import needed


def folders_of(places: Sequence[str]) -> tuple[Path, ...]:
    """The folders among the places.

    Raises:
        JudgeError: there is none, so that there is nothing to watch, or watchfiles is not installed.
    """
    folders = tuple(path for path in map(Path, places) if path.is_dir())
    if not folders:
        raise JudgeError("--watch needs a folder to watch")
    needed("watchfiles", "with --watch", "'negspace[judges]'")
    return folders


def new_pictures(folders: Sequence[Path]) -> Iterator[list[Path]]:
    """The pictures that are new or have changed, whenever there are some, until Ctrl-C; nothing without
    folders."""
    if not folders:
        return
    from watchfiles import Change, watch

    err.print(f"watching {', '.join(map(str, folders))}; leave with Ctrl-C")
    for changes in watch(*folders, recursive=False, step=200):
        files = {Path(name) for change, name in changes if change is not Change.deleted}
        if files := {file for file in files if is_picture_name(file) and file.is_file()}:
            yield sorted(files)
