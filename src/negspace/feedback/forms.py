"""Forms of a sentence that decide by themselves: an exchange of one thing for another, and a question."""

import re
from collections.abc import Iterator

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


_PERSON = r"(?:he|she|they|the (?!picture|image|photo)\w+|my (?:\w+ )?\w+)"
_NOT_THEIRS = re.compile(
    rf"^{_PERSON} (?:(?:has|have|had) )?(?:never|does not|do not|did not|is not supposed to|is not meant to|should not|"
    r"shall not|must not|can not|ought not to) (?:wear|wore|worn|have (?!been\b|to\b)|had|own|owned|smoke|smoked|carry|carried|hold|"
    r"need|use|drink|get|bring|be (?=\w+ing\b))\b ?(?P<minus>.+)"
)
_DRAWN_WITH = re.compile(
    r"\b(?:stop|do not|never|quit) (?:draw|show|mak|make|put|paint|giv|give|render|generat|generate|pictur)(?:ing)? "
    r"(?:him|her|them|it|me|people|(?:the|my) (?:old |young |little )?\w+) (?:with|wearing|holding|carrying|as) (?P<minus>.+)"
)
_OFF_THE_LIST = re.compile(
    r"\b(?:take|remove|delete|drop|strike|cross|scratch) (?P<plus>.+?) (?:off|from|out of) (?:the|my|your) (?:\w+ )?(?:list|prompt|negatives?|avoids)\b"
)
_BARE_WITHOUT = re.compile(
    r"^without (?P<plus>.+?) (?:it|this|everything|(?:the|her|his) \w+) (?:just |now )?(?:looks|look|feels|is|seems) "
    r"(?!much better|better|nicer|great|good|perfect|cleaner|fine|way better|so much better)"
)
_GIVE_BACK = re.compile(
    r"\bgive (?:the \w+|him|her|them|it) (?P<plus>(?:his|her|their|its|the|a|some) .+?) (?:back|again)\b"
)
_WELCOME = re.compile(
    r"^(?P<plus>(?!it\b|this\b|that\b|you\b|i\b|we\b|what\b|how\b|why\b|which\b)(?:(?!not|no|without)\S+ )+?)(?:would|could|might) "
    r"(?:also |really |even |still )?(?P<verb>make|help|add|suit|improve|complete|bring|give|look|be) "
    r"(?P<rest>.*)"
)
_REGRETS = re.compile(
    r"^i (?:was|am|feel|must have been) (?:so |too |a bit |really )?(?:silly|stupid|wrong|hasty|quick|mistaken|foolish|"
    r"daft|dumb|an idiot) to \w+ (?:out |off |away )?(?P<plus>.+)"
)

_NOBODY = re.compile(
    r"^(?:nobody|no one|none of (?:them|us))\b.*? (?:wore|wears|wear|had|has|used|uses|carried|carries|ate|rode|drove|owned) (?P<minus>.+)"
)
_SAID_NO = re.compile(
    r"\b(?:said|says|say|asked for|told you|wanted|specified|requested|insists on|insisted on) (?:no|without|zero) (?P<minus>.+)"
)
_NOT_MEANT = re.compile(
    r"^i (?:never|did not) (?:mean|meant|ask|asked|want|wanted|say|said)(?: that| for)? (?P<plus>.+?) (?:should|to) "
    r"(?:go|be gone|disappear|leave|be removed|vanish|be taken out)\b"
    r"|^i (?:did not|never) (?:ask|asked|want|wanted|say|said|tell|told|mean|meant) (?:for )?(?:you )?to "
    r"(?:remove|take|get|drop|delete|lose|cut|hide)\w* (?:out |off |away |rid of )?(?P<taken>.+)"
)
_SHOULD_NOT = re.compile(
    r"^(?:the \w+|he|she|they) (?:should|must|can) not (?P<minus>(?!be\b|go\b|stay\b|remain\b|move\b|change\b|exist\b|appear\b|"
    r"disappear\b|look\b)\w+)$"
)
_MAY_GO = re.compile(
    r"^(?:can|could|may|might) (?P<minus>(?:the|that|those|this|these|his|her) .+?) "
    r"(?:please )?(?:go|leave|disappear|come off|come out|be gone|vanish|be removed|be taken out|be deleted)$"
)


def _back(plain: str) -> re.Match[str] | None:
    return _OFF_THE_LIST.search(plain) or _BARE_WITHOUT.match(plain)


def _is_gain(welcome: re.Match[str]) -> bool:
    states = welcome["verb"] in ("look", "be")
    return not states or cues.find("good", welcome["rest"]) is not None


def _asked(plain: str) -> Iterator[tuple[str, str]]:
    """What a sentence asks for whose form says it by itself."""
    unwanted = (
        _NOT_THEIRS.match(plain)
        or _NOBODY.match(plain)
        or _SAID_NO.search(plain)
        or _MAY_GO.match(plain)
        or _SHOULD_NOT.match(plain)
        or _DRAWN_WITH.search(plain)
    )
    if unwanted:
        if not cues.find("done", plain):
            yield plain, f"remove {unwanted['minus']}"
    elif (
        match := _REGRETS.match(plain) or _NOT_MEANT.match(plain) or _GIVE_BACK.search(plain) or _back(plain)
    ):
        yield plain, f"bring back {next(filter(None, match.groups()))}"
    elif (match := _WELCOME.match(plain)) and _is_gain(match) and not cues.find("bad", plain):
        yield plain, f"bring back {match['plus']}"


def exchanged(plain: str) -> Iterator[tuple[str, str]]:
    """The parts of a clause that exchanges one thing for another, each as a clause of its own: what is to go
    and what is to come. Nothing for any other clause.

    "a cat instead of a dog" asks for the cat, and "it drew a cat instead of a dog" for the dog.
    """
    if asked := list(_asked(plain)):
        yield from asked
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
