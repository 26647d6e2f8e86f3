"""Parts of speech, by the tagger that TextBlob ships: 93,000 words and rules, without a download.

Tags are those of the Penn Treebank: NN a noun, JJ an adjective, VBZ a verb in the third person.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache


@lru_cache(maxsize=512)
def tags_of(words: tuple[str, ...]) -> Sequence[str]:
    """The tag of each word of a clause in plain small words."""
    if not words:
        return ()
    tagged = _tagger()(" ".join(words), tokenize=False)
    return tuple(tag for _, tag in tagged)


def is_noun(word: str) -> bool:
    """Whether a word by itself is a noun."""
    return tags_of((word,))[0].startswith("NN")


def is_adjective(word: str) -> bool:
    """Whether a word by itself is an adjective or a participle."""
    return tags_of((word,))[:1] in (("JJ",), ("VBN",), ("VBG",))


def is_english(word: str) -> bool:
    """Whether the tagger's lexicon has a word."""
    from textblob.en import lexicon

    return _tagger() is not None and word in lexicon


@lru_cache(maxsize=1)
def _tagger() -> Callable[..., list[tuple[str, str]]]:
    # slow to import, and only needed where somebody complains
    from textblob.en import tag

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its lexicon's file to the collector
        tag("a", tokenize=False)
    return tag
