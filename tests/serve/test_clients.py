"""Clients that run in a process of their own, unmodified: fastmcp beside our libraries, the others each in
an environment of its own, as theirs do not go together with ours. `make clients` runs them all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.serve.live import Live

SCRIPTS = Path(__file__).parent / "clients"


def said(python: str, script: str, live: Live, folder: Path) -> dict[str, Any]:
    """What a script of a client prints as its last line."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(SCRIPTS / f"{script}.py"), live.url],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env=plain | {"PYTHONSAFEPATH": "1"},  # else a script hides the library it is named after
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def environment(folder: Path, *packages: str) -> str:
    """The Python of a fresh environment with these packages in it."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    own = str(folder / "bin" / "python")
    install = [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    installed = subprocess.run([*install, *packages], capture_output=True, text=True, timeout=900)
    assert installed.returncode == 0, installed.stderr[-2000:]
    return own


def test_the_client_of_fastmcp(live: Live, tmp_path: Path) -> None:
    told = said(sys.executable, "fastmcp", live, tmp_path)
    assert "generate_image" in told["tools"] and told["kinds"] == ["text", "image"]
    assert told["acted"] and told["refused"]


@pytest.mark.slow
def test_openai_2(live: Live, tmp_path: Path) -> None:
    told = said(environment(tmp_path / "own", "openai==2.54.0"), "openai_2", live, tmp_path)
    assert told["version"] == "2.54.0" and told["acted"] and told["terms"] == ["hat"]
    partial = "image_generation.partial_image"
    assert told["events"] == [partial, partial, "image_generation.completed"]
    assert told["models"] == ["tiny", "embedded"] and "no model is called 'none'" in told["told"]


@pytest.mark.slow
def test_langchain(live: Live, tmp_path: Path) -> None:
    python = environment(tmp_path / "own", "langchain-community==0.4.2", "openai==3.54.0")
    told = said(python, "langchain", live, tmp_path)
    assert told["acted"] and (told["avoid"], told["steps"], told["pictures"]) == ("hat", 2, 3)
    assert set(told["policies"]) == {"quality-floor", "quality-marks"}


@pytest.mark.slow
def test_litellm(live: Live, tmp_path: Path) -> None:
    told = said(environment(tmp_path / "own", "litellm==1.106.2"), "litellm", live, tmp_path)
    assert told["version"].startswith("2.") and told["pictures"] == 4 and told["same"]
    assert "no rule is called" in told["told"]
