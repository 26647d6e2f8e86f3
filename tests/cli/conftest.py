"""A command line run within the tests' own process."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

import pytest

from negspace.cli import show
from negspace.cli.app import run


@dataclass(frozen=True)
class Outcome:
    """What a command line left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Cli(Protocol):
    """Runs `negspace` with these arguments."""

    def __call__(self, *arguments: object) -> Outcome: ...


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command line at 100 columns and without colour."""
    monkeypatch.setenv("COLUMNS", "100")
    for console in (show.out, show.err):  # made with the size that the environment had then
        monkeypatch.setattr(console, "_width", None)
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        caught = capsys.readouterr()
        return Outcome(code, caught.out, caught.err)

    return call
