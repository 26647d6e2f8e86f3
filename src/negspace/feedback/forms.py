"""Forms of a sentence that decide by themselves: an exchange of one thing for another, and a question."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib import resources

import yaml

from negspace.feedback import cues

_THING = r"(?:(?:see|have|be|get|use|with|it|as|the)\s+)*"
_ANY = r"(?:a|an|the|some)"
_EXCHANGES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:replace|swap|exchange|switch|trade)(?: out)? (?P<minus>.+?) (?:with|for|by|to|against|into) "
        r"(?P<plus>.+)",
        r"\b(?:turn|change|convert|transform) (?P<minus>.+?) (?:in)?to (?P<plus>.+)",
        rf"\binstead of {_THING}(?P<minus>.+?) (?:use|draw|show|i want|give me|put|make it|i would like) "
        r"(?P<plus>.+)",
        rf"\b(?:want\w*|asked for|need\w*|ordered|expected|said) (?P<plus>{_ANY} .+?) (?:and )?not "
        rf"(?P<minus>{_ANY} .+)",
        rf"\b(?:rather|prefer\w*) {_THING}(?P<plus>.+?) (?:than|instead of|rather than|over|to) "
        rf"{_THING}(?P<minus>.+)",
        r"^(?P<plus>.+?) (?:instead of|rather than|in place of|in lieu of) (?P<minus>.+)",
    )
)
_WITHOUT = re.compile(
    r"\b(?:want|need|prefer|like|love|make|give|draw|show|do|try|get|have|use|again|same|version)\b \S.*?"
    r"\bwithout (?P<minus>.+)"
)
_TURNED = re.compile(
    r"\b(?:stop|not|never|you|it|why did you|keeps?|still) (?:turn|chang|convert|transform|ma[dk])\w* .+? "
    r"into (?P<plus>.+)"
)
_CAME = re.compile(
    r"\b(?:got|gave|drew|made|painted|put|is|are|was|were|looks?|has|have|see|came|shows?|became|"
    r"turned out)\b"
)
_WH = r"what(?! an? )|who|whom|whose|where|when|which|how|why|tell me|explain|describe"
_INVERTED = (
    r"(?:is|are|am|was|were|does|did|do|has|have|had|will|would|should|shall|may|might|can|could) "
    r"(?:i|you|he|she|it|we|they|this|that|there|these|those|the|a|an|his|her|my|your|its|any|some|"
    r"not (?:you|it|there|that|this|the)|all|everything|anyone|people)"
)
_ASKS = re.compile(rf"^(?:{_WH}|{_INVERTED})\b")
_NO_QUESTION = re.compile(
    r"^(?:do (?:not|your|it|this|that|the|a|an|some|any|all|everything)"
    r"|have (?:it|the|a|that|this|some|her|his))\b"
)
_COMPLAINS = re.compile(
    r"^(?:why|how come|who (?:signed|put|added|drew|asked|wants|needs|ordered)"
    r"|what (?:is|are) (?:wrong|up|going on|with)|what happened)\b"
)


@lru_cache(maxsize=8)
def _forms(name: str) -> Sequence[re.Pattern[str]]:
    text = (resources.files("negspace.feedback") / "forms.yaml").read_text(encoding="utf-8")
    return tuple(map(re.compile, yaml.safe_load(text)[name]))


def _form(name: str, plain: str) -> re.Match[str] | None:
    """The first of some forms that a clause has."""
    matches = (form.search(plain) for form in _forms(name))
    return next((match for match in matches if match), None)


def _is_gain(welcome: re.Match[str]) -> bool:
    states = welcome["verb"] in ("look", "be")
    return not states or cues.find("good", welcome["rest"]) is not None


def _by_form(plain: str) -> Iterator[tuple[str, str]]:
    """What a sentence asks for whose form says it by itself."""
    if match := _form("unwanted", plain):
        if not cues.find("done", plain):
            yield plain, f"remove {match['minus']}"
    elif match := _form("wanted", plain):
        yield plain, f"bring back {match['plus']}"
    elif (match := _form("welcome", plain)) and _is_gain(match) and not cues.find("bad", plain):
        yield plain, f"bring back {match['plus']}"


def exchanged(plain: str) -> Iterator[tuple[str, str]]:
    """The parts of a clause that exchanges one thing for another, each as a clause of its own: what is to go
    and what is to come. Nothing for any other clause.

    "a cat instead of a dog" asks for the cat, and "it drew a cat instead of a dog" for the dog.
    """
    if halves := list(_by_form(plain)):
        yield from halves
        return
    if (match := _WITHOUT.search(plain)) and not cues.find("negation", plain[: match.start("minus") - 8]):
        yield plain, f"remove {match['minus']}"
        return
    if match := _TURNED.search(plain):
        yield plain, f"remove {match['plus']}"
        return
    for number, pattern in enumerate(_EXCHANGES):
        if match := pattern.search(plain):
            minus, plus = match["minus"], match["plus"]
            came = _CAME.search(plus) if number == len(_EXCHANGES) - 1 else None
            if came and not cues.find("request", plus):
                minus, plus = plus[came.end() :].removeprefix(" me"), minus
            yield match[0], f"remove {minus}"
            yield match[0], f"bring back {plus}"
            return


def is_question(plain: str) -> bool:
    """Whether a clause has the form of a question, rather than of a request ("can you remove it")."""
    return _ASKS.match(plain) is not None and _NO_QUESTION.match(plain) is None


def may_complain(plain: str) -> bool:
    """Whether a question can be a complaint: "why is it so dark"."""
    return _COMPLAINS.match(plain) is not None
