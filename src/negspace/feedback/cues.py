"""The words that say how a speaker stands to a thing: `cues.yaml`, compiled.

A cue is a set of phrases under a name: `find("negation", clause)`. Verbs are told apart by tense, because
"remove the hat" asks for what "you removed the hat" reports.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml

Tense = Literal["base", "past"]

_GAP = r"(?:\S+ ){0,5}?"
_VOWELS = "aeiou"


def find(name: str, text: str) -> re.Match[str] | None:
    """The first phrase of a cue in a text of plain small words; None for a cue without phrases."""
    return _phrases(name).search(text) if name in _data()["phrases"] else None


def find_verb(name: str, tense: Tense, text: str) -> re.Match[str] | None:
    """The first verb of a cue in a tense; "base" is every form but the past and the participle."""
    return _verbs(name, tense).search(text)


def find_verb_of(name: str, text: str) -> re.Match[str] | None:
    """The first verb of a cue in any tense; None for a cue without verbs."""
    if name not in _data()["verbs"]:
        return None
    return find_verb(name, "base", text) or find_verb(name, "past", text)


def find_all(name: str, tense: Tense, text: str) -> list[tuple[int, int]]:
    """The spans of all verbs of a cue in a tense; [] for a cue without verbs."""
    return [match.span() for match in _verbs(name, tense).finditer(text)] if name in _data()["verbs"] else []


def verb_stop(name: str, tense: Tense, text: str, start: int, stop: int) -> int:
    """One past the part of a verb that has no object in it: all of "get rid of", "take" of "take it off"."""
    if _verbs(name, tense, gaps=False).fullmatch(text, start, stop):
        return stop
    return start + len(text[start:stop].split(" ", 1)[0])


def find_all_phrases(name: str, text: str) -> list[tuple[int, int]]:
    """The spans of all phrases of a cue; [] for a cue without phrases."""
    return [match.span() for match in _phrases(name).finditer(text)] if name in _data()["phrases"] else []


def without_fillers(text: str) -> str:
    """A text without the words at its beginning and its end that say nothing."""
    start, end = _phrases("filler").pattern, _phrases("tail").pattern
    return re.sub(rf"^(?:\s*{start})+|(?:{end}\s*)+$", "", text).strip()


@lru_cache(maxsize=1)
def _data() -> dict[str, dict[str, list[str]]]:
    text = (resources.files("negspace.feedback") / "cues.yaml").read_text(encoding="utf-8")
    # YAML reads yes, no and off as truth values
    return yaml.load(text, yaml.BaseLoader)


@lru_cache(maxsize=64)
def _phrases(name: str) -> re.Pattern[str]:
    return _pattern(_data()["phrases"][name])


@lru_cache(maxsize=64)
def _verbs(name: str, tense: Tense, *, gaps: bool = True) -> re.Pattern[str]:
    verbs = [verb for verb in _data()["verbs"][name] if gaps or "*" not in verb]
    return _pattern(form for verb in verbs for form in _forms(verb, tense))


def _forms(verb: str, tense: Tense) -> Iterator[str]:
    head, _, rest = verb.partition(" ")
    base, *past = head.split("/")
    if tense == "base":
        forms = [base, _stem(base, "ing") + "ing"]
        if base != "leave":  # leaves grow on trees
            forms.append(_with_s(base))
    else:
        forms = [form for form in past or [_stem(base, "ed") + "ed"] if form != base]
    yield from (f"{form} {rest}".strip() for form in forms)


def _with_s(base: str) -> str:
    if base.endswith(("s", "x", "ch", "sh", "o")):
        return base + "es"
    return base[:-1] + "ies" if base[-1] == "y" and base[-2] not in _VOWELS else base + "s"


def _stem(base: str, ending: str) -> str:
    """A verb as it is before an ending: removing, dropping, tried."""
    if base.endswith("e") and not base.endswith(("ee", "oe")):
        return base[:-1]
    if base[-1] == "y" and base[-2] not in _VOWELS and ending == "ed":
        return base[:-1] + "i"
    doubled = base in (
        "drop",
        "omit",
        "cut",
        "get",
        "put",
        "let",
        "skip",
        "trim",
        "strip",
        "ban",
        "chuck off",
    ) or (len(base) == 3 and base[-1] in "bdgmnpt" and base[-2] in _VOWELS and base[-3] not in _VOWELS)
    return base + base[-1] if doubled else base


def _pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(set(phrases), key=len, reverse=True)
    texts = (re.escape(phrase).replace(r"\*\ ", _GAP).replace(r"\ ", " ") for phrase in longest_first)
    return re.compile(rf"(?<![\w'])(?:{'|'.join(texts)})(?![\w'])")
