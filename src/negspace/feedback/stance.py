"""How a clause stands to the thing that it names: for it, against it, content without it.

Every verb of wanting, keeping, removing or minding has a sign, and so has every judgement; they multiply,
and a negation turns the product round: to stop hiding the hat is to want it. Tense decides between a request
and a report: "remove the hat" asks for what "you removed the hat" says has happened.
"""

import re
from typing import Literal, NamedTuple

from negspace.feedback import cues
from negspace.feedback.tags import tags_of

Manner = Literal["request", "presence", "absence", "judgement", "permission", "wish", "nothing"]
"""What a clause does: asks, reports that a thing is there or is not, judges it, finds it acceptable, recalls
what was wanted."""

Sign = Literal[1, 0, -1]
_Span = tuple[int, int]

_SIGNS = {
    "remove": -1,
    "fix": -1,
    "alter": -1,
    "add": 1,
    "keep": 1,
    "want": 1,
    "like": 1,
    "reject": -1,
    "offend": -1,
    "forget": 1,
}
_DONE_TO_THE_PICTURE = ("remove", "fix", "add", "keep")
_MODAL = re.compile(
    r"\b(?:should|could|would|must|can|may|might|ought|shall|please|want|wants|like|need|needs|have to|"
    r"has to|try|let|going to|to be|will)\b"
)
_SHALL = re.compile(r"\b(?:should|must|ought|please|want|needs? to|supposed to|let)\b")
_MAY = re.compile(r"\b(?:would|could|can|may|might)\b")
_PAST = re.compile(r"\b(?:did|have|has|had|was|were|been|got)\b")
_COMPARES = re.compile(
    r"(?<!should )(?<!could )\b(?:is|are|looks?|got|gets|feels?|seems?|became) "
    r"(?:much |even |a lot |a bit |so )?$"
)
_LOOKS = re.compile(r"\b(?:look|looks|looked|feel|feels|felt|seem|seems) ")
_GOING = re.compile(r"\b(?:is|are|was|were|still) $")
_AGENT = re.compile(
    r"^(?:(?:why|now|so|and|still|that|because|how come)\s+)*(?:do |does |did )?"
    r"(?:you|it|that|this|they|who|someone|somebody|(?:the )?(?:ai|model|bot|program|app|generator))\b"
)
_VERB = re.compile(
    r"\b(?:is|are|was|were|be|been|look|looks|looked|has|have|had|seem|seems|did|does|do|feel|feels|"
    r"came|went|got|gets|"
    r"turned|makes|made|comes)\b"
)


_FINITE = frozenset({"VBZ", "VBP", "VBD", "MD"})


class Cue(NamedTuple):
    """A phrase that says how the speaker stands."""

    name: str
    start: int
    stop: int
    past: bool = False
    verb_stop: int = 0

    @property
    def hidden(self) -> int:
        """One past its last character that is no part of what is named."""
        return self.verb_stop or self.stop


class Stance(NamedTuple):
    """How a clause stands to what it names.

    Attributes:
        sign: 1 for it, -1 against it, 0 neither.
        manner: what the clause does.
        cue: the phrase that decides; what is named after it is meant, else what is named before.
        hidden: the spans of all such phrases.
    """

    sign: Sign = 0
    manner: Manner = "nothing"
    cue: Cue | None = None
    hidden: tuple[_Span, ...] = ()


def has_verb(plain: str) -> bool:
    """Whether a clause has a verb that reports."""
    return _VERB.search(plain) is not None or bool(_FINITE & set(tags_of(tuple(plain.split()))))


def is_request(plain: str) -> bool:
    """Whether a clause asks for something politely."""
    return cues.find("request", plain) is not None


def stance_of(plain: str, taken: tuple[_Span, ...] = ()) -> Stance:
    """The stance of a clause.

    Args:
        plain: the clause.
        taken: spans of words that name a fault, which are no cues.
    """
    every = _cues(plain, taken)
    hidden = tuple((cue.start, cue.hidden) for cue in every)
    hidden += tuple(cues.find_all_phrases("gone", plain))
    verbs = [cue for cue in every if cue.name in _SIGNS]
    judged = [cue for cue in every if cue.name in ("good", "bad")]
    negations = [cue for cue in every if cue.name == "negation"]
    sure = any(cue.name == "surely_good" for cue in every) and not _AGENT.match(plain)
    if sure and {cue.name for cue in verbs} <= {"want"}:
        manner: Manner = "permission" if cues.find("allows", plain) else "judgement"
        return Stance(1, manner, judged[0] if judged else None, hidden)
    if verbs:
        return _of_verbs(plain, verbs, negations, judged)._replace(hidden=hidden)
    return _of_judgement(plain, judged, negations, taken)._replace(hidden=hidden)


def _of_verbs(plain: str, verbs: list[Cue], negations: list[Cue], judged: list[Cue]) -> Stance:
    sign = 1
    for name in dict.fromkeys(cue.name for cue in verbs):
        sign *= _SIGNS[name]
    names = {cue.name for cue in verbs}
    if "offend" in names:
        sign = -1
    if negations and "forget" not in names:
        sign = -sign
    gone = [Cue("gone", *span) for span in cues.find_all_phrases("gone", plain)]
    if "want" in names and any(
        not _touch(cue, verb) for cue in gone for verb in verbs if verb.name != "want"
    ):
        sign = -sign
    elif names == {"want"} and gone:
        sign = -sign
    # the innermost verb has the object
    deciding = verbs[-1]
    if names <= {"want"} and deciding.past and not negations:
        return Stance(0, "wish", deciding)
    if names == {"want"} and _COMPARES.search(plain[: deciding.start]):
        return Stance(-1, "presence", deciding)
    if _is_reported(plain, verbs, judged):
        return _of_report(plain, deciding, sign, judged)
    if names & {"like"} and not names & set(_DONE_TO_THE_PICTURE):
        return Stance(_sign(sign), "judgement", deciding)
    return Stance(_sign(sign), "request", deciding)


def _is_reported(plain: str, verbs: list[Cue], judged: list[Cue]) -> bool:
    """Whether the clause says what has been done to the picture."""
    doing = [cue for cue in verbs if cue.name in _DONE_TO_THE_PICTURE]
    if (
        not doing
        or not doing[-1].verb_stop
        or {cue.name for cue in verbs} & {"want", "reject", "offend", "forget"}
    ):
        return False
    before = plain[: doing[-1].start]
    if _MODAL.search(before) or "please" in plain or re.match(r"(?:i|we)\b", plain):
        return False
    if any(cue.name == "keep" and not cue.verb_stop for cue in verbs):
        return False
    return (
        doing[-1].past
        or (plain[: doing[-1].verb_stop].endswith("ing") and any(cue.name == "good" for cue in judged))
        or plain[: doing[-1].verb_stop].endswith("s")
        or _GOING.search(before) is not None
        or _PAST.search(before) is not None
        or _AGENT.search(plain) is not None
    )


def _of_report(plain: str, cue: Cue, sign: int, judged: list[Cue]) -> Stance:
    good = any(other.name == "good" for other in judged)
    if plain.startswith(("why", "how come", "what happened")):
        return Stance(_sign(-sign), "request", cue)
    if cue.name == "fix":
        return Stance(-1, "absence" if sign < 0 else "presence", cue)
    if sign < 0:
        return Stance(-1, "absence", cue)
    if not _AGENT.match(plain) and not _PAST.search(plain[: cue.start]) and not good:
        return Stance(0, "nothing", cue)  # the fog adds something
    return Stance(1, "judgement", cue) if good or cue.name == "keep" else Stance(-1, "presence", cue)


def _of_judgement(plain: str, judged: list[Cue], negations: list[Cue], taken: tuple[_Span, ...]) -> Stance:
    """The stance of a clause without a verb of wanting."""
    turned = len(negations) % 2 == 1
    last = negations[-1] if negations else None
    if gone := _free("gone", plain, taken):
        return _of_gone(plain, gone, negations)
    if judged:
        return _of_judged(plain, judged, last if turned else None)
    if last and plain[last.start :].startswith("without") and _LOOKS.search(plain[: last.start]):
        return Stance(1, "request", last)  # however it looks without it
    there = _free("exist", plain, taken) or _free("see", plain, taken)
    if there:
        if _SHALL.search(plain) or re.search(r"\b(?:may|might) ", plain):
            return Stance(-1 if turned else 1, "request", last or there)
        return Stance(-1, "absence" if turned else "presence", last or there)
    if last:
        if cues.find("still", plain) and plain[last.start :].startswith("no "):
            return Stance(1, "request", last)
        reports = has_verb(plain) and not _MODAL.search(plain) and not plain.startswith("do not")
        return Stance(-1, "absence" if reports else "request", last)
    if excess := _free("excess", plain, taken):
        return Stance(-1, "judgement", excess)
    if still := _free("still", plain, taken):
        return Stance(-1, "presence", still)
    return Stance()


def _of_gone(plain: str, gone: Cue, negations: list[Cue]) -> Stance:
    others = [cue for cue in negations if not _touch(cue, gone)]
    if _SHALL.search(plain):
        return Stance(1 if others else -1, "request", gone)
    return Stance(-1, "presence" if others else "absence", gone)


def _of_judged(plain: str, judged: list[Cue], turning: Cue | None) -> Stance:
    """The last judgement counts, the bad ones more; "without" names what the judgement is about."""
    bad = [cue for cue in judged if cue.name == "bad"]
    if turning and bad and plain[bad[-1].start : bad[-1].stop].endswith(" like"):
        return Stance(-1, "request" if plain.startswith("do not") else "absence", bad[-1])
    sign = (-1 if bad else 1) * (-1 if turning else 1)
    if _SHALL.search(plain) and bad and not turning:
        return Stance(0, "wish", bad[-1])
    without = turning if turning and plain[turning.start :].startswith("without") else None
    manner: Manner = "request" if not bad and _MAY.search(plain) else "judgement"
    if not bad and not turning and cues.find("allows", plain) and manner == "judgement":
        manner = "permission"
    if without and not bad and manner == "judgement":
        manner = "absence"
    if without and bad:
        manner = "request"
    deciding = without or (bad or judged)[-1]
    if plain[deciding.start : deciding.stop] == "too":
        deciding = deciding._replace(name="excess")
    return Stance(_sign(sign), manner, deciding)


def _free(name: str, plain: str, taken: tuple[_Span, ...]) -> Cue | None:
    """The first phrase or verb of a cue outside the names of faults."""
    spans = [
        *cues.find_all_phrases(name, plain),
        *cues.find_all(name, "base", plain),
        *cues.find_all(name, "past", plain),
    ]
    free = [
        span
        for span in sorted(spans)
        if not plain.startswith(" to ", span[1]) and not any(a < span[1] and span[0] < b for a, b in taken)
    ]
    return Cue(name, *free[0]) if free else None


def _sign(value: int) -> Sign:
    return 1 if value > 0 else -1 if value < 0 else 0


def _cues(plain: str, taken: tuple[_Span, ...]) -> list[Cue]:
    """All phrases that count, the longest where they overlap, in order."""
    every: list[Cue] = []
    for name in (*_SIGNS, "surely_good", "good", "bad", "negation"):
        every += (Cue(name, *span) for span in cues.find_all_phrases(name, plain))
        for past, tense in enumerate(("base", "past")):
            for start, stop in cues.find_all(name, tense, plain):
                every.append(
                    Cue(name, start, stop, bool(past), cues.verb_stop(name, tense, plain, start, stop))
                )
    named = [Cue("", *span) for span in taken]
    kept: list[Cue] = []
    for cue in sorted(every, key=lambda cue: (cue.start - cue.stop, cue.past)):
        longer = any(
            other.stop - other.start >= cue.stop - cue.start and _touch(cue, other) for other in named
        )
        if not longer and not any(_touch(cue, other) for other in kept):
            kept.append(cue)
    return sorted(kept, key=lambda cue: cue.start)


def _touch(cue: Cue, other: Cue) -> bool:
    return cue.start < other.stop and other.start < cue.stop
