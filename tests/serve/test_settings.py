"""Settings: flags before the environment, before a file, before defaults; and a door that stays shut."""

from pathlib import Path

import pytest

from negspace.cli.app import run
from negspace.engine import BatchesUpTo, FixedBatches
from negspace.errors import OutputError, RequestError
from negspace.models.files.source import Source
from negspace.serve.run import require_keys_or_loopback
from negspace.serve.settings import ServerSettings, read_batching, read_settings


def test_what_is_said_nearer_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text("port: 1\nhost: localhost\nlanes: 3\nmodels: {mine: embedded}\n")
    monkeypatch.setenv("NEGSPACE_PORT", "2")
    monkeypatch.setenv("NEGSPACE_HOST", "::1")
    read = read_settings(file, {"port": 4, "host": None})
    assert (read.port, read.host, read.lanes, read.models) == (4, "::1", 3, {"mine": Source("embedded")})
    assert read_settings(None, {}).port == 2 and type(read) is ServerSettings


def test_a_model_may_have_other_parts(tmp_path: Path) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text(
        "models:\n"
        "  plain: embedded\n"
        "  mine: {place: mine.safetensors, config: ./sd15, loras: [[a.safetensors, 0.8]], "
        "savings: [vae tiling]}\n"
    )
    mine = Source("mine.safetensors", "./sd15", loras=(("a.safetensors", 0.8),), savings=("vae tiling",))
    assert read_settings(file, {}).models == {"plain": Source("embedded"), "mine": mine}
    assert read_settings(file, {"models": {"other": mine}}).models == {"other": mine}


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        ("prot: 1", RequestError, "prot"),
        ("port: 70000", RequestError, "port"),
        ("batching: Wide(3)", RequestError, "no way to batch rows"),
        ("models: {mine: {place: embedded, lora: x}}", RequestError, "models.mine.lora"),
        ("models: {mine: {place: embedded, savings: [wishing]}}", RequestError, "models.mine.savings"),
        ("port: [", OutputError, "cannot be read"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, said: str, error: type[Exception], told: str) -> None:
    file = tmp_path / "serve.yaml"
    file.write_text(said)
    with pytest.raises(error, match=told):
        read_settings(file, {})
    assert run(["serve", "--config", str(file)]) == 2
    with pytest.raises(OutputError, match="no such file"):
        read_settings(tmp_path / "none.yaml", {})


def test_batching() -> None:
    assert read_batching("FixedBatches(2)") == FixedBatches(2)
    assert read_batching(" BatchesUpTo(16)") == BatchesUpTo(16)


def test_without_keys_strangers_stay_out(tmp_path: Path) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        require_keys_or_loopback(ServerSettings(host=host))
    with pytest.raises(RequestError, match="loopback only"):
        require_keys_or_loopback(ServerSettings(host="0.0.0.0"))
    require_keys_or_loopback(ServerSettings(host="0.0.0.0", keys=tmp_path / "keys.yaml"))
