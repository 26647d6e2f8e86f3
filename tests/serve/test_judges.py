"""A server with a judge: what it can look for is looked for, what nobody can is refused."""

from pathlib import Path

import httpx2 as httpx
import pytest

from negspace.errors import JudgeError
from negspace.models.files.source import Source
from negspace.serve.service import Service
from negspace.serve.settings import ServerSettings
from tests.serve.live import serving


def test_a_block_is_looked_for_or_refused(tiny_sd: Path, tmp_path: Path) -> None:
    settings = ServerSettings(models={"tiny": Source(tiny_sd)}, data=tmp_path, judges=("quality",), grace=5)
    with serving(settings) as live, httpx.Client(base_url=live.url, timeout=60) as client:
        asked = {"prompt": "a cat", "steps": 2, "avoid": [{"term": "blurry", "check": "block"}]}
        receipt = client.post("/api/generate", json=asked).json()["receipt"]
        assert receipt["judge"]["name"] == "quality" and receipt["terms"][0]["looked"] == 1
        asked["avoid"] = [{"term": "hat", "check": "block"}]
        refused = client.post("/api/generate", json=asked)
        assert refused.status_code == 400 and "no judge at hand" in refused.json()["error"]["message"]


def test_a_judge_that_is_not_there_is_told_at_the_start(tiny_sd: Path, tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="nobody"):
        Service(ServerSettings(models={"tiny": Source(tiny_sd)}, data=tmp_path, judges=("nobody",)))
