"""Every generated page of docs/ is what its generator makes today."""

import pytest

from tools import docs


@pytest.mark.parametrize("name", sorted(docs.GENERATORS))
def test_a_generated_page_is_of_today(name: str) -> None:
    written = (docs.DOCS / name).read_text(encoding="utf-8")
    assert written == docs.generated(name), f"docs/{name} is not of today: run `make docs`"
