"""docs/extending.md by the letter: each example is written into a copy of the project, and its commands run.

A file that must be touched and is not named there makes a command fail.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
EXAMPLES = {title: text for title, text in SECTIONS.items() if "```console" in text}
COPIED = ("src", "tests", "docs", "tools", "training", "bench", "pyproject.toml", "Makefile", "README.md")


def copy_of_the_project(folder: Path) -> None:
    """Everything that the tests need; weights are linked, not copied."""
    weights = shutil.ignore_patterns("__pycache__", "embedded", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=weights)
        else:
            shutil.copy(source, folder / name)
    (folder / "src" / "negspace" / "embedded").symlink_to(ROOT / "src" / "negspace" / "embedded")


def files_of(text: str) -> dict[str, str]:
    """The files of a worked example, by path: every block whose fence names one."""
    return dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def commands_of(text: str) -> list[str]:
    return [line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ ")]


def test_there_is_an_example_of_everything_that_can_be_added() -> None:
    assert set(EXAMPLES) == {"A rule", "A model family", "A dialect", "A judge", "A policy"}


@pytest.mark.parametrize("title", sorted(EXAMPLES))
def test_the_worked_example_runs(title: str, tmp_path: Path) -> None:
    copy_of_the_project(tmp_path)
    text = EXAMPLES[title]
    files, commands = files_of(text), commands_of(text)
    assert files and commands
    checklist = re.findall(r"^\d+\. .*?`([\w./-]+/[\w.-]+)`", text, re.MULTILINE)
    assert sorted(checklist) == sorted(files), "the checklist and the worked example name other files"
    for path, content in files.items():
        assert not (tmp_path / path).exists(), f"{path} is there already"
        (tmp_path / path).write_text(content, encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    for command in commands:
        run = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert run.returncode == 0, f"$ {command}\n{run.stdout[-3000:]}{run.stderr[-3000:]}"
