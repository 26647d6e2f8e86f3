"""Opening models: a name or a path becomes a Network."""

from pathlib import Path
from typing import Any

from negspace.encoding import Cache, Cached, Layer, TextEncoder
from negspace.facts import EncoderFacts
from negspace.models.base import Network
from negspace.models.checkpoint import Checkpoint, Opened
from negspace.models.families import TextPart, family_of
from negspace.models.fingerprint import Print
from negspace.models.hardware import Footing
from negspace.models.place import find_folder
from negspace.models.reading import read_part, read_tokenizer


def open_network(name_or_path: str | Path, footing: Footing) -> Network:
    """The network at a place.

    Raises:
        ModelError: nothing is there, it is of a kind that is not known, or its weights cannot be read.
    """
    folder = find_folder(name_or_path)
    family = family_of(folder)
    facts = family.facts(folder)
    texts = family.present(folder)
    encoders = [
        text_encoder(
            part,
            one,
            read_tokenizer(part, folder.path / part.tokenizer),
            read_part(part, folder.path / part.folder, footing),
        )
        for part, one in zip(texts, facts.encoders, strict=True)
    ]
    denoiser = read_part(family.denoiser, folder.path / family.denoiser.folder, footing)
    vae = read_part(family.vae, folder.path / family.vae.folder, footing)
    parts = [part.folder for part in (*texts, family.denoiser, family.vae)]
    weights = [file for part in parts for file in (folder.path / part).glob("*.safetensors")]
    opened = Opened(
        denoiser,
        vae,
        Cached(family.joined(encoders, denoiser.config), Cache()),
        folder.settings("scheduler", "scheduler_config.json"),
        Print(folder.path, tuple(weights)),
    )
    return Checkpoint(family, facts, footing, opened)


def text_encoder(part: TextPart, facts: EncoderFacts, tokenizer: Any, model: Any) -> TextEncoder:
    """A text encoder, read as its family reads it."""
    layer = Layer(
        skip=part.skip,
        norm=part.norm,
        pooled=part.pooled,
        padding=part.padding,
        text="source" if facts.kind == "llm" else "chunks",
    )
    return TextEncoder(tokenizer, model, facts, layer)
