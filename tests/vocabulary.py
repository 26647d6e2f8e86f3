"""A vocabulary in which each of some words is one token and any other text falls into letters."""

import json
from collections.abc import Iterable


def trained(words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """(letters, merges) of a byte-pair tokenizer with CLIP's mark at the end of a word."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=4000,
        min_frequency=1,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(words)], trainer)
    return letters, [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]
