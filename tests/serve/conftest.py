"""One live server over the tiny model, for all tests that need no settings of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from negspace.models.files.source import Source
from negspace.serve.settings import ServerSettings
from tests.serve.live import Live, serving


@pytest.fixture(scope="session")
def settings(tiny_sd: Path, tmp_path_factory: pytest.TempPathFactory) -> ServerSettings:
    data = tmp_path_factory.mktemp("serve")
    return ServerSettings(
        models={"tiny": Source(tiny_sd), "embedded": Source("embedded")}, data=data, grace=5
    )


@pytest.fixture(scope="session")
def live(settings: ServerSettings) -> Iterator[Live]:
    with serving(settings) as running:
        yield running
