"""The tokenizer: byte-level BPE as CLIP's, trained on the world's words until each is one token."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer

from training.world import captions, table

START, END = "<|startoftext|>", "<|endoftext|>"


def words() -> list[str]:
    """Every word that a caption can hold, sorted."""
    texts = [w for c in table.TABLE for w in c.words]
    texts += [
        *table.COUNT_WORDS.values(),
        *table.QUALITY_WORDS,
        "fingers",
        "day daylight a an of by at in with and",
    ]
    texts += [form for forms in captions.PLACE_FORMS.values() for form in forms]
    return sorted({w for text in texts for w in re.findall(r"[a-z0-9]+", text)})


def build() -> CLIPTokenizer:
    """The tokenizer; raises AssertionError if a word of the world is not one token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = _merges(words())
    base = [*alphabet, *(c + "</w>" for c in alphabet)]
    tokens = [*base, *(a + b for a, b in merges), ",</w>", START, END]
    vocab = {t: i for i, t in enumerate(dict.fromkeys(tokens))}
    untyped: Any = merges  # the parameter is typed too narrowly
    tokenizer = CLIPTokenizer(vocab=vocab, merges=untyped, model_max_length=77, pad_token=END)
    for word in words():
        assert len(tokenizer.tokenize(word)) == 1, f"'{word}' is not one token: {tokenizer.tokenize(word)}"
    return tokenizer


def _merges(known: list[str]) -> list[tuple[str, str]]:
    """Pairs in the order they are joined, the commonest first and among equals the first by the alphabet.

    Sennrich et al., Neural Machine Translation of Rare Words with Subword Units (2016), algorithm 1. The
    library's trainer breaks ties differently from run to run, and token ids would follow.
    """
    spelt = [[*word[:-1], word[-1] + "</w>"] for word in known]
    merges: list[tuple[str, str]] = []
    while pairs := Counter(pair for word in spelt for pair in pairwise(word)):
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelt = [_joined(word, best) for word in spelt]
    return merges


def _joined(word: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for part in word:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def encode(tokenizer: CLIPTokenizer, texts: list[str]) -> list[list[int]]:
    """Token ids [n][77]: start, words, end, padded with end."""
    return tokenizer(texts, padding="max_length", truncation=True, max_length=77)["input_ids"]


def save(folder: Path, start: Path | None = None) -> CLIPTokenizer:
    """Write the tokenizer to `folder` and return it; that of the model folder `start` where one is given."""
    tokenizer = CLIPTokenizer.from_pretrained(start / "tokenizer") if start else build()
    for trace in ("is_local", "local_files_only"):  # where it was read from is nobody's business
        tokenizer.init_kwargs.pop(trace, None)
    tokenizer.save_pretrained(folder)
    return tokenizer
