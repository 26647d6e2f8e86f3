"""Files that appear whole or not at all."""

import os
from pathlib import Path

import pytest

from negspace.errors import OutputError
from negspace.files import check_folder, write_whole


def tree(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_set_is_written_and_folders_are_made(tmp_path: Path) -> None:
    write_whole({tmp_path / "a" / "one": b"1", tmp_path / "b" / "two": b"22"})
    assert tree(tmp_path) == {"a/one": b"1", "b/two": b"22"}


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"old")
    write_whole({tmp_path / "one": b"new"})
    assert tree(tmp_path) == {"one": b"new"}


def test_files_get_the_rights_of_any_other_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_whole({tmp_path / "whole": b""})
    assert (tmp_path / "whole").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    """The second file cannot be made: a file stands where its folder should be."""
    (tmp_path / "in the way").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot write .*in the way.*two"):
        write_whole({tmp_path / "one": b"1", tmp_path / "in the way" / "two": b"2"})
    assert tree(tmp_path) == {"in the way": b""}


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_whole({tmp_path / "one": b"1"})
    assert tree(tmp_path) == {}


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_whole({tmp_path / "one": b"1"})
    assert tree(tmp_path) == {}


def test_a_folder_is_checked_without_being_made(tmp_path: Path) -> None:
    check_folder(tmp_path / "not" / "yet")
    assert not (tmp_path / "not").exists()


def test_a_file_in_the_way_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        check_folder(tmp_path / "file" / "pictures")


def test_a_folder_without_permission_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Asked of the system rather than set on the folder, because root may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="no permission"):
        check_folder(tmp_path / "pictures")
