"""English words: the singular of a noun, the other forms of a word, and whether a word is one at all.

From LemmInflect (MIT), whose dictionary is the SPECIALIST lexicon of the NIH; for words that are not in it,
the library applies learned rules. It takes about a second to open, so it is opened when a word is first
looked up.
"""

from functools import cache, lru_cache
from types import ModuleType
from typing import Final

_OTHER_THINGS: Final = {"glasses": "glasses", "shorts": "shorts", "pants": "pants", "arts": "arts"}
"""Plurals that are no more of the same thing."""

_OF_A_PERSON: Final = {"people": "person", "persons": "person"}


@cache
def _library() -> ModuleType:
    import lemminflect

    return lemminflect


@lru_cache(maxsize=8192)
def singular(word: str) -> str:
    """The singular of a noun in small letters; any other word as it is."""
    if word in _OTHER_THINGS or word in _OF_A_PERSON:
        return _OTHER_THINGS.get(word) or _OF_A_PERSON[word]
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return word
    nouns = _library().getAllLemmas(word, "NOUN").get("NOUN", ())
    if nouns or not word.endswith("s") or word.endswith("ss") or is_english(word):
        return word if word in nouns[:1] else next(iter(nouns), word)
    return next(iter(_library().getAllLemmasOOV(word, "NOUN")["NOUN"]), word)


@lru_cache(maxsize=4096)
def is_english(word: str) -> bool:
    """Whether a word in small letters is in the dictionary, in any form."""
    return bool(_library().getAllLemmas(word))


@lru_cache(maxsize=4096)
def forms(word: str) -> frozenset[str]:
    """The inflected forms of a word in small letters: plural, past, participles, comparison.

    Every noun is also taken for a verb, as in "hatted". A word that is inflected itself has no others.
    """
    if len(word) < 2 or not (word.isascii() and word.isalpha()):
        return frozenset()
    lemmas = _library().getAllLemmas(word)
    if lemmas and not any(word in of_kind for of_kind in lemmas.values()):
        return frozenset()
    inflected = dict(_library().getAllInflections(word))
    for kind in ("NOUN", "VERB"):
        guessed = _library().getAllInflectionsOOV(word, kind)
        inflected |= {tag: made for tag, made in guessed.items() if tag not in inflected}
    return frozenset(form for made in inflected.values() for form in made) - {word}
