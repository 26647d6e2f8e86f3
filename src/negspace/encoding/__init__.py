"""Prompt → Conditioning: no token lost, weights by name, several encoders, embeddings, a cache."""

from negspace.encoding.conditioning import (
    ChunkReport,
    Conditioning,
    EncoderReport,
    WordReport,
    match_lengths,
)
from negspace.encoding.encoder import Encoder, Layer, TextEncoder
from negspace.encoding.weighting import WEIGHTINGS

__all__ = [
    "WEIGHTINGS",
    "ChunkReport",
    "Conditioning",
    "Encoder",
    "EncoderReport",
    "Layer",
    "TextEncoder",
    "WordReport",
    "match_lengths",
]
