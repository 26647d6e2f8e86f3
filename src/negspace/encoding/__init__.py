"""Prompts become conditioning: text of any length, weights, several text models, embeddings and a cache."""

from negspace.encoding.absent import encode_negative, zeros
from negspace.encoding.base import Encoder
from negspace.encoding.cache import Cache, CacheCount, Cached
from negspace.encoding.composite import (
    EndToEnd,
    InstructedEncoder,
    PooledAndTokens,
    SideBySide,
    TrailingZeros,
)
from negspace.encoding.conditioning import (
    ChunkReport,
    Conditioning,
    EncoderReport,
    Exchange,
    WordReport,
    joined_scales,
    match_lengths,
)
from negspace.encoding.encoder import TextEncoder
from negspace.encoding.inversion import Embedding, load_embedding, load_embeddings
from negspace.encoding.values import scale_values, scaled, signs_and_scores, stack_scales
from negspace.encoding.weighting import WEIGHTINGS

__all__ = [
    "WEIGHTINGS",
    "Cache",
    "CacheCount",
    "Cached",
    "ChunkReport",
    "Conditioning",
    "Embedding",
    "Encoder",
    "EncoderReport",
    "EndToEnd",
    "Exchange",
    "InstructedEncoder",
    "SideBySide",
    "TrailingZeros",
    "PooledAndTokens",
    "TextEncoder",
    "WordReport",
    "encode_negative",
    "joined_scales",
    "load_embedding",
    "load_embeddings",
    "match_lengths",
    "scale_values",
    "scaled",
    "signs_and_scores",
    "stack_scales",
    "zeros",
]
