"""The tokenizer: byte-level BPE as CLIP's, trained on the world's words until each is one token."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
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
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=10_000,
        min_frequency=1,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    trained.train_from_iterator(words(), trainer)
    merges: Any = [tuple(m) for m in _merges(trained)]
    base = [*alphabet, *(c + "</w>" for c in alphabet)]
    tokens = [*base, *(a + b for a, b in merges), ",</w>", START, END]
    vocab = {t: i for i, t in enumerate(dict.fromkeys(tokens))}
    tokenizer = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77, pad_token=END)
    for word in words():
        assert len(tokenizer.tokenize(word)) == 1, f"'{word}' is not one token: {tokenizer.tokenize(word)}"
    return tokenizer


def _merges(trained: Tokenizer) -> list[list[str]]:
    import json

    found = json.loads(trained.to_str())["model"]["merges"]
    return [m.split(" ") if isinstance(m, str) else m for m in found]


def encode(tokenizer: CLIPTokenizer, texts: list[str]) -> list[list[int]]:
    """Token ids [n][77]: start, words, end, padded with end."""
    return tokenizer(texts, padding="max_length", truncation=True, max_length=77)["input_ids"]


def save(folder: Path) -> CLIPTokenizer:
    """Write the tokenizer to `folder` and return it."""
    tokenizer = build()
    tokenizer.save_pretrained(folder)
    return tokenizer
