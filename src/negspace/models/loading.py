"""Opening models: a name or a path becomes a Network."""

from pathlib import Path

from negspace.models.base import Network
from negspace.models.folder import family_of, find_folder
from negspace.models.hardware import Footing
from negspace.models.sd import open_sd

OPENERS = {"StableDiffusionPipeline": open_sd}
"""How a family is opened, by the class its index names."""


def open_network(name_or_path: str | Path, footing: Footing) -> Network:
    """The network at a place.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    folder = find_folder(name_or_path)
    return family_of(folder, OPENERS)(folder, footing)
