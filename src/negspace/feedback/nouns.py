"""The things that a clause names: runs of open words between the small words of English, with their place."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import yaml

from negspace.avoid.matching import key_of

_MOST_WORDS = 3


class Noun(NamedTuple):
    """A thing that a clause names.

    Attributes:
        words: without articles and judgements.
        start, stop: first and one-past-last character.
        preposition: the small word that it hangs on; "" for a subject or an object.
        viewer: whether it is the speaker's or the listener's own: "my eyes".
        has_article: whether an article or its like stands before it.
    """

    words: tuple[str, ...]
    start: int
    stop: int
    preposition: str
    viewer: bool
    has_article: bool = False

    @property
    def is_generic(self) -> bool:
        """Whether it names nothing by itself."""
        return key_of(self.words[-1]) in _words("generic")

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(self.words)

    def touches(self, start: int, stop: int) -> bool:
        """Whether it shares a character with a span."""
        return start < self.stop and self.start < stop


@lru_cache(maxsize=8)
def _words(kind: str) -> frozenset[str]:
    text = (resources.files("negspace.feedback") / "nouns.yaml").read_text(encoding="utf-8")
    # YAML reads yes, no and off as truth values
    return frozenset(yaml.load(text, yaml.BaseLoader)[kind].split())


def nouns_of(plain: str, hidden: Iterable[tuple[int, int]]) -> Sequence[Noun]:
    """The things that a clause names, in order.

    Args:
        plain: the clause.
        hidden: spans of words that are no nouns here, because they say how the speaker stands.
    """
    spans = list(hidden)
    nouns: list[Noun] = []
    run: list[re.Match[str]] = []
    preposition, viewer, article = "", False, False

    def close() -> None:
        nonlocal run, preposition, viewer, article
        if run:
            kept = run[-_MOST_WORDS:]
            words = tuple(match[0].removesuffix("'s") for match in kept)
            nouns.append(Noun(words, kept[0].start(), kept[-1].end(), preposition, viewer, article))
            run, preposition, viewer, article = [], "", False, False

    for match in re.finditer(r"\S+", plain):
        word = match[0]
        if word in _words("articles"):
            close()
            article = True
            viewer = word in ("my", "your", "our")
        elif word in _words("prepositions") or word == "of":
            close()
            preposition = word
        elif any(start < match.end() and match.start() < stop for start, stop in spans):
            close()
        elif word in _words("small") or (word.endswith("ly") and len(word) > 4) or not word[0].isalpha():
            close()
            preposition, article = "", False
        else:
            if run and word.endswith("ed") and len(word) > 4:  # an address printed at the bottom
                close()
                continue
            if run and word.endswith("ing") and word not in _words("nouns_in_ing"):
                close()
                continue
            run.append(match)
    close()
    return nouns
