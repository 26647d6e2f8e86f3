"""The texts of the studio in every language it speaks, from the one file `texts.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final

import yaml

LANGUAGES: Final = ("en", "de")
"""The first is the language of everyone who prefers none of them."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Every text of a language by its key.

    Raises:
        KeyError: a text is missing in this language.
    """
    content = (resources.files("negspace.serve.studio") / "texts.yaml").read_text(encoding="utf-8")
    entries: dict[str, dict[str, str]] = yaml.safe_load(content)
    return {key: entry[language] for key, entry in entries.items()}


def preferred(cookie: str | None, accept_language: str) -> str:
    """The language to speak: the one that was chosen, else the first of the browser's that there is.

    Args:
        cookie: the choice, if there was one.
        accept_language: the header, as in RFC 9110, section 12.5.4.
    """
    wishes = [cookie or "", *_by_quality(accept_language)]
    return next((wish[:2] for wish in wishes if wish[:2] in LANGUAGES), LANGUAGES[0])


def _by_quality(header: str) -> list[str]:
    """The languages of a header, the most wanted first."""
    ranges = [part.strip().partition(";q=") for part in header.lower().split(",")]
    return [entry[0] for entry in sorted(ranges, key=lambda entry: -_quality(entry[2]))]


def _quality(text: str) -> float:
    try:
        return float(text or 1.0)
    except ValueError:
        return 0.0
