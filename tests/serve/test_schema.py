"""Every operation of the OpenAPI description, with made-up requests, right and wrong ones: no 500."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from negspace.models.files.source import Source
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving


def fuzzed(live: Live, folder: Path, examples: int) -> dict[str, int]:
    """Have schemathesis make up so many requests for each operation; how often each status was answered."""
    report = folder / "events.ndjson"
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{live.url}/openapi.json"]
    options = {
        "--checks": "not_a_server_error",
        "--max-examples": str(examples),
        "--seed": "8",
        "--request-timeout": "60",
        "--workers": "1",
        "--report-ndjson-path": str(report),
    }
    flags = [part for option in options.items() for part in option]
    done = subprocess.run(
        [*command, *flags, "--report", "ndjson"],
        capture_output=True,
        text=True,
        timeout=3000,
        cwd=folder,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return statuses(report)


def statuses(report: Path) -> dict[str, int]:
    counts: dict[str, int] = {}

    def walk(value: object) -> None:
        if isinstance(value, dict):
            status = value.get("status_code")
            if isinstance(status, int):
                counts[str(status)] = counts.get(str(status), 0) + 1
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    for line in report.read_text().splitlines():
        walk(json.loads(line))
    return counts


@pytest.fixture
def small(tiny_sd: Path, tmp_path: Path) -> Iterator[Live]:
    """A server that makes small pictures only: a made-up width is often the largest that there is."""
    settings = ServerSettings(
        models={"tiny": Source(tiny_sd)}, data=tmp_path / "data", largest=96 * 96, most_pictures=2, grace=5
    )
    with serving(settings) as running:
        yield running


def test_made_up_requests_get_no_500(small: Live, tmp_path: Path) -> None:
    counts = fuzzed(small, tmp_path, 3)
    assert counts["200"] > 50 and sum(counts.values()) > 300 and not any(one[0] == "5" for one in counts)


@pytest.mark.slow
def test_many_made_up_requests_get_no_500(small: Live, tmp_path: Path) -> None:
    counts = fuzzed(small, tmp_path, 300)
    print(counts)
    assert sum(counts.values()) > 5000 and not any(status.startswith("5") for status in counts)
