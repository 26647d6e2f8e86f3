"""The files in deploy/, as far as they can be tried without a daemon of Docker: see docs/serve.md."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from negspace.serve.settings import ServerSettings, read_settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SETTINGS = {f"NEGSPACE_{name.upper()}" for name in ServerSettings.model_fields}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (DEPLOY / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_image_copies_what_there_is_and_runs_as_nobody_special() -> None:
    every = instructions()
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    for _, rest in (entry for entry in every if entry[0] == "COPY" and "--from" not in entry[1]):
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists() and f"!{source}" in ignored, source
    kinds = [kind for kind, _ in every]
    assert kinds.index("USER") < kinds.index("ENTRYPOINT") and ("USER", "negspace") in every
    assert "HEALTHCHECK" in kinds and all("latest" not in rest for kind, rest in every if kind == "FROM")
    assert ("ENTRYPOINT", '["negspace"]') in every and ("CMD", '["serve"]') in every


def test_every_setting_that_is_named_exists() -> None:
    for file in DEPLOY.iterdir():
        named = set(re.findall(r"\bNEGSPACE_[A-Z_]+", file.read_text()))
        assert named <= SETTINGS, (file.name, named - SETTINGS)


def test_the_settings_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings(DEPLOY / "serve.yaml", {})
    assert settings.public_url == "https://pictures.example" and settings.grace == 60
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    for name, value in services["negspace"]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{(\w+):\?[^}]*\}", r"\1", value))
    settings = read_settings(None, {})
    assert settings.proxies == ("172.16.0.0/12",) and str(settings.database).startswith("postgresql+psycopg")


def test_compose_mounts_files_and_volumes_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert (DEPLOY / compose["services"]["negspace"]["build"]["context"]).resolve() == ROOT
    made_by_its_user = {"./keys.yaml"}
    for service in compose["services"].values():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert source in compose["volumes"] or source in made_by_its_user or (DEPLOY / source).is_file()
        assert set(service.get("depends_on", ())) <= set(compose["services"])


def test_the_front_passes_bodies_as_large_as_the_server_reads() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    assert text.count("{") == text.count("}")
    largest = ServerSettings.model_fields["largest_body"].default
    (size,) = re.findall(r"max_size (\d+)MB", text)
    assert int(size) * 2**20 == largest
    assert "/readyz" in text and "flush_interval -1" in text


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = (DEPLOY / "negspace.service").read_text()
    stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0])
    assert stop > read_settings(DEPLOY / "serve.yaml", {}).grace
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        return
    placed = tmp_path / "negspace.service"
    program = tmp_path / "negspace"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    placed.write_text(unit.replace("/opt/negspace/bin/negspace", str(program)))
    check = subprocess.run(
        [analyze, "verify", "--man=no", str(placed)], capture_output=True, text=True, timeout=60
    )
    mistakes = [line for line in check.stderr.splitlines() if placed.name in line]
    assert not mistakes, mistakes
