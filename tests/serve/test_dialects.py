"""Dialects are found: those in the folder, and those of other packages."""

from importlib.metadata import EntryPoint

import pytest
from fastapi import APIRouter

from negspace.serve.app import dialects
from negspace.serve.dialect import ClientDialect

OWN = ClientDialect("own", APIRouter(prefix="/own"), ("/own",))
SHIPPED = {"operations", "native", "AUTOMATIC1111", "Hugging Face", "MCP", "openai"}


def test_every_module_of_the_folder_is_a_dialect() -> None:
    names = [dialect.name for dialect in dialects()]
    assert set(names) == SHIPPED and len(names) == len(SHIPPED)


def test_another_package_adds_one(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    group = "negspace.server_dialects"
    added = [
        EntryPoint("own", f"{__name__}:OWN", group),
        EntryPoint("no_dialect", f"{__name__}:SHIPPED", group),
        EntryPoint("native", f"{__name__}:OWN", group),
    ]
    monkeypatch.setattr("negspace.plugins.entry_points", lambda group: added)
    assert dialects()[-1] is OWN and len(dialects()) == len(SHIPPED) + 1
    assert "'native' is taken" in caplog.text and "not a ClientDialect" in caplog.text
