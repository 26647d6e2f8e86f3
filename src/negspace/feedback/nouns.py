"""The things that a clause names: runs of open words between the small words of English, with their place."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import yaml

from negspace.avoid.matching import key_of
from negspace.feedback.tags import is_english, tags_of

_MOST_WORDS = 3
_OPEN = ("NN", "JJ", "VB")


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
        return all(is_generic(word) or is_judging(word) for word in self.words)

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(self.words)

    def touches(self, start: int, stop: int) -> bool:
        """Whether it shares a character with a span."""
        return start < self.stop and self.start < stop


def is_generic(word: str) -> bool:
    """Whether a noun names nothing by itself: a thing, a version, a tint."""
    return key_of(word) in _words("generic")


def is_body(word: str) -> bool:
    """Whether a noun is a part of a body, which is not supposed to lack."""
    return key_of(word) in _words("body")


def is_judging(word: str) -> bool:
    """Whether an adjective says what one thinks of a thing, rather than which thing it is."""
    return word in _words("judging")


@lru_cache(maxsize=8)
def _words(kind: str) -> frozenset[str]:
    text = (resources.files("negspace.feedback") / "nouns.yaml").read_text(encoding="utf-8")
    # YAML reads yes, no and off as truth values
    return frozenset(yaml.load(text, yaml.BaseLoader)[kind].split())


def nouns_of(plain: str, hidden: Iterable[tuple[int, int]]) -> Sequence[Noun]:
    """The things that a clause names, in order: runs of adjectives and nouns between other words.

    Args:
        plain: the clause.
        hidden: spans of words that are no nouns here, because they say how the speaker stands.
    """
    words = list(re.finditer(r"\S+", plain))
    tags = tags_of(tuple(match[0] for match in words))
    spans = list(hidden)
    nouns: list[Noun] = []
    run: list[tuple[re.Match[str], str]] = []
    preposition, viewer, lead = "", False, ""

    def close(following: str = "") -> None:
        nonlocal run, preposition, viewer, lead
        kept = _trimmed(run, lead)[-_MOST_WORDS:]
        if kept:
            text = tuple(match[0].removesuffix("'s") for match in kept)
            article = lead == "article"
            nouns.append(Noun(text, kept[0].start(), kept[-1].end(), preposition, viewer, article))
            preposition, viewer = "", False
        run, lead = [], following

    for match, tag in zip(words, tags, strict=True):
        word = match[0]
        if any(start < match.end() and match.start() < stop for start, stop in spans):
            close("cue")
            preposition = word if word in _words("prepositions") else preposition
        elif word in _words("articles") or word.endswith("'s"):
            close("article")
            viewer = word in ("my", "your", "our")
        elif word in _words("prepositions") or word == "of":
            close()
            # "out of", "in front of"
            preposition = preposition if word == "of" and preposition else word
        elif tag[:2] in _OPEN and word not in _words("small") and word[0].isalpha():
            run.append((match, tag))
        else:
            close()
            preposition = ""
    close()
    return nouns


def _trimmed(run: Sequence[tuple[re.Match[str], str]], lead: str) -> list[re.Match[str]]:
    """The words of a run that make a noun; behind an article, or what the deciding phrase is about, all."""
    places = [place for place, (_, tag) in enumerate(run) if tag.startswith("NN")]
    if not places:
        done = lead != "article" and run and run[-1][1] in ("VBN", "VBD") and is_english(run[-1][0][0])
        return [match for match, _ in run] if lead and not done else []
    first = 0 if lead else next(place for place, (_, tag) in enumerate(run) if tag[:2] in ("NN", "JJ"))
    return [match for match, _ in run[first : places[-1] + 1]]
