"""The program: quick to answer, one clear line for every mistake, and nothing left behind by one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

COMMANDS = ("imagine", "plan", "prove", "compare", "read", "models", "rules", "mcp", "demo")
HEAVY = ("torch", "diffusers", "transformers")


def test_help_lists_every_command(cli: Cli) -> None:
    told = cli("--help")
    assert told.code == 0
    assert all(command in told.out for command in COMMANDS)
    assert cli().out.strip() == told.out.strip()


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("columns", [80, 120])
def test_every_command_has_help_that_fits(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    told = cli(command, "--help")
    assert told.code == 0
    assert max(len(line) for line in told.out.splitlines()) <= columns
    assert "…" not in told.out


def test_version(cli: Cli) -> None:
    from negspace import __version__ as version

    assert cli("--version").out == f"negspace {version}\n"


def cpu_seconds(*arguments: object) -> tuple[float, str]:
    """Processor time of a command line in a new process, and which heavy libraries it loaded."""
    probe = (
        "import sys, time\nfrom negspace.cli.app import run\n"
        f"code = run({[str(one) for one in arguments]!r})\n"
        f"print('SPENT', time.process_time(), *(name for name in {HEAVY!r} if name in sys.modules))\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=900
    )
    _, spent, *loaded = done.stdout.splitlines()[-1].split()
    return float(spent), " ".join(loaded)


def test_help_and_plan_load_nothing_heavy(tiny_sd: Path) -> None:
    """Processor time rather than time on the wall, so that a busy machine does not decide."""
    spent, loaded = cpu_seconds("--help")
    print(f"negspace --help: {spent:.2f} s of processor time")
    assert loaded == ""
    assert spent < 1.0
    spent, loaded = cpu_seconds("plan", "a cat", "--avoid", "hat", "--model", tiny_sd)
    print(f"negspace plan: {spent:.2f} s of processor time")
    assert loaded == ""
    assert spent < 1.5


def test_mistakes_in_the_command_line_itself(cli: Cli) -> None:
    for arguments, clue in (
        (["imagin"], "imagine"),
        (["imagine"], "Missing argument 'prompt'"),
        (["imagine", "a cat", "--aviod", "hat"], "--avoid"),
        (["imagine", "a cat", "--steps", "many"], "--steps"),
        (["read"], "Missing argument"),
    ):
        told = cli(*arguments)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1
        assert clue in told.err


MISTAKES = {
    "scale 0": (["--scale", "0"], "scale"),
    "scale negative": (["--scale", "-3"], "scale"),
    "scale nan": (["--scale", "nan"], "scale"),
    "scale inf": (["--scale", "inf"], "scale"),
    "steps 0": (["--steps", "0"], "steps"),
    "n 0": (["-n", "0"], "Request n:"),
    "seed below": (["--seed", "-2"], "seed"),
    "seed above": (["--seed", str(2**63)], "seed"),
    "seed runs out": (["--seed", str(2**63 - 1), "-n", "2"], "seed"),
    "sampler": (["--sampler", "Euler b"], "'Euler a'"),
    "rule": (["--rule", "cgf"], "cfg"),
    "dialect": (["--dialect", "a111"], "a1111"),
    "dtype": (["--dtype", "int8"], "dtype"),
    "size not a multiple": (["--size", "65x64"], "multiple of"),
    "size 0": (["--size", "0x64"], "width"),
    "size without shape": (["--size", "large"], "WIDTHxHEIGHT"),
}


@pytest.mark.parametrize("command", ["imagine", "plan"])
@pytest.mark.parametrize(("options", "clue"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing(
    cli: Cli, tiny_sd: Path, tmp_path: Path, command: str, options: list[str], clue: str
) -> None:
    out = ["--out", tmp_path / "pictures"] if command == "imagine" else []
    told = cli(command, "a cat", "--model", tiny_sd, *options, *out)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("negspace: ")
    assert told.err.count("\n") == 1
    assert clue in told.err
    assert not list(tmp_path.iterdir())


def test_an_unknown_weighting_leaves_nothing(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    """Weightings live with the encoders, so this one is found only once the model is open."""
    told = cli(
        "imagine", "a cat", "--weighting", "compell", "--model", tiny_sd, "--out", tmp_path / "pictures"
    )
    assert (told.code, told.out) == (2, "")
    assert told.err.count("\n") == 1
    assert "compel" in told.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command", [["imagine", "a cat", "--model"], ["plan", "a cat", "--model"], ["models"]]
)
def test_a_model_that_is_none(cli: Cli, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file.safetensors").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    for name in ("missing", "file.safetensors", "folder"):
        told = cli(*command, tmp_path / name)
        assert (told.code, told.out) == (2, "")
        assert told.err.count("\n") == 1
        assert name in told.err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_output_that_cannot_be_written(
    cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    told = cli("imagine", "a cat", "--model", tiny_sd, "--out", tmp_path / "file")
    assert (told.code, told.out) == (2, "")
    assert "is a file, not a folder" in told.err
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    told = cli("imagine", "a cat", "--model", tiny_sd, "--out", tmp_path / "locked")
    assert told.code == 2
    assert "no permission" in told.err
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_an_interrupt_is_quiet_and_leaves_nothing(
    cli: Cli, tiny_sd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from negspace.engine import Engine

    def stop(_: Engine) -> list:
        raise KeyboardInterrupt

    monkeypatch.setattr(Engine, "tick", stop)
    told = cli("imagine", "a cat", "--model", tiny_sd, "--out", tmp_path / "pictures")
    assert told.code == 130
    assert "Traceback" not in told.err
    assert not list(tmp_path.iterdir())


def test_a_cold_start_is_quick(tiny_sd: Path, tmp_path: Path) -> None:
    """One picture, everything included, in a new process."""
    began = time.perf_counter()
    spent, _ = cpu_seconds("imagine", "a cat", "--avoid", "hat", "--model", tiny_sd, "--out", tmp_path)
    print(f"negspace imagine: {time.perf_counter() - began:.1f} s, {spent:.1f} s of processor time")
    assert spent < 20.0
    assert len(list(tmp_path.glob("*.png"))) == 1
