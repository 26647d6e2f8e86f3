"""What a model can be told, read from its settings alone."""

from pathlib import Path

from negspace.facts import ModelFacts
from negspace.models.families import family_of
from negspace.models.files.source import EMBEDDED, Source, find, find_folder

__all__ = ["EMBEDDED", "find_folder", "read_facts"]


def read_facts(place: str | Path | Source) -> ModelFacts:
    """What a model can be told, from its settings alone: no weights are read and torch is not needed.

    Raises:
        ModelError: nothing is there, or it is of a kind that is not known.
    """
    folder = find(place if isinstance(place, Source) else Source(place))
    return family_of(folder).facts(folder)
