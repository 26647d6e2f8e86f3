"""What words that were not understood could mean, as sentences that would be."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib import resources
from itertools import islice

import yaml

from negspace.avoid.matching import key_of, phrase
from negspace.feedback import cues
from negspace.feedback.lexicon import known_words, named_in, words_of
from negspace.feedback.nouns import nouns_of
from negspace.feedback.stance import stance_of
from negspace.feedback.tags import is_english

_MOST = 3
_ALIKE = 0.75
_USUAL = ("blurry", "dark", "low quality")


def suggestions_for(plain: str, avoided: Sequence[str] = ()) -> tuple[str, ...]:
    """Up to three sentences, the likeliest first. Each of them is understood.

    Args:
        plain: the clause that was not.
        avoided: the terms of the current list.
    """
    return tuple(islice(dict.fromkeys(_candidates(plain, avoided)), _MOST))


def corrected(word: str) -> str | None:
    """The word of the lexicon that a word misspells by a letter too few, too many or exchanged, or None."""
    if len(word) < 5 or words_of(word) or is_english(word):
        return None
    near = get_close_matches(key_of(word), known_words(), n=1, cutoff=0.9)
    if not near or near[0][0] != word[0] or len(near[0]) < 6:
        return None
    if near[0].startswith(word):  # simple is not a misspelled simpler
        return None
    same_length = len(near[0]) == len(key_of(word))
    return None if same_length and sorted(near[0]) != sorted(key_of(word)) else near[0]


def _candidates(plain: str, avoided: Sequence[str]) -> Iterator[str]:
    for named in named_in(plain, avoided):
        for word in named.words:
            if any(phrase(word.concept.term) == phrase(term) for term in avoided):
                yield f"bring back {word.concept.term}"
            yield f"avoid {word.concept.term}"
    for word in plain.split():
        yield from (f"avoid {term}" for term in _hints().get(word, ()))
    for word in plain.split():
        for near in get_close_matches(word, known_words(), n=2, cutoff=_ALIKE) if len(word) > 3 else ():
            yield from (f"avoid {entry.concept.term}" for entry in words_of(near))
    nouns = (
        noun
        for noun in nouns_of(plain, (*stance_of(plain).hidden, *cues.find_all_phrases("filler", plain)))
        if not noun.is_generic and nouns_of(f"avoid {noun.text}", ((0, 5),))
    )
    yield from (f"avoid {noun.text}" for noun in nouns if len(noun.text) > 2)
    yield from (f"avoid {term}" for term in _USUAL)


@lru_cache(maxsize=1)
def _hints() -> dict[str, Iterable[str]]:
    text = (resources.files("negspace.feedback") / "hints.yaml").read_text(encoding="utf-8")
    return {word: row["means"] for row in yaml.safe_load(text) for word in row["words"]}
