"""The client of fastmcp against a live server, in an environment of its own: it needs thirty libraries."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serve.live import Live

FASTMCP = "fastmcp==4.1.2"
SAID = """
import asyncio, json, sys
from fastmcp import Client

async def said():
    async with Client(sys.argv[1]) as client:
        tools = sorted(tool.name for tool in await client.list_tools())
        asked = {"prompt": "a red cat", "negative_prompt": "hat", "model": "tiny", "steps": 2}
        made = await client.call_tool("generate_image", asked)
        wrong = await client.call_tool("generate_image", asked | {"model": "no"}, raise_on_error=False)
        kinds = [block.type for block in made.content]
        print(json.dumps([tools, kinds, made.structured_content["negative_acted"], wrong.is_error]))

asyncio.run(said())
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment with fastmcp in it."""
    folder = tmp_path_factory.mktemp("fastmcp")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=300)
    own = str(folder / "bin" / "python")
    installed = subprocess.run(
        [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", FASTMCP],
        capture_output=True,
        text=True,
        timeout=900,
    )
    if installed.returncode:
        pytest.skip(f"{FASTMCP} cannot be installed here: {installed.stderr.strip().splitlines()[-1:]}")
    return own


@pytest.mark.slow
def test_the_client_of_fastmcp(python: str, live: Live, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-c", SAID, f"{live.url}/mcp"], capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    tools, kinds, acted, refused = json.loads(done.stdout.splitlines()[-1])
    assert "generate_image" in tools and kinds == ["text", "image"] and acted and refused
