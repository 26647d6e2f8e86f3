"""Clauses that only make sense beside others: explanations, refusals, exclamations, what somebody lacks."""

import re
from collections.abc import Sequence

from negspace.feedback import cues
from negspace.feedback.clauses import Clause
from negspace.feedback.context import ClauseContext
from negspace.feedback.lexicon import Concept
from negspace.feedback.nouns import is_body
from negspace.feedback.stance import Stance, is_request
from negspace.feedback.targets import Target

REFUSES = re.compile(
    r"(?:no|no thanks|no thank you|no way|not so much|hard pass|nope|no please|yuck|ew|ugh|why|"
    r"not for me|not please|"
    r"please no|please not|not great|not good|not okay|terrible|awful|horrible|bad)"
)
_COMPARES = re.compile(
    r"^(?:(?:it|this|that|they|he|she) )?(?:is |are |looks? |looking )?(?:a bit |just |more )?like\b|"
    r"^as (?:if|though)\b"
)
_CANNOT_SEE = re.compile(
    r"^(?:(?:i|we|you|one) )?(?:can|could) (?:hardly|barely|not|not even) (?:see|make out|read|tell|"
    r"recognize|find)\b"
)
_SPEAKER = re.compile(
    r"^(?:i|we|my \w+|our \w+) (?!see\b|can\b|got\b|notice\b|count\b|spot\b|miss\b|love\b|like\b)"
)
_NAMES_FIRST = re.compile(
    r"^(?:the|a|an|this|that|these|those|there|here|his|her|their|its|also|and|still|why|too|so|no|some|"
    r"all|every|another)\b"
)


def is_remark(clause: Clause, stance: Stance, targets: Sequence[Target], before: ClauseContext) -> bool:
    """Whether a clause only explains the one before: "lose the ring, it fights with the dress"."""
    core = clause.plain
    if (
        clause.place
        and _COMPARES.match(core)
        and not {target.kind for target in targets} & {"fault", "wanted"}
    ):
        return True
    follows = bool(before.sign or before.about) and clause.place > 0 and not clause.turned
    if not follows or stance.manner == "request":
        return False
    if _SPEAKER.match(core) and stance.manner != "judgement" and not cues.find("see", core):
        return True
    if clause.joined:
        return False
    if _CANNOT_SEE.match(core):
        return True
    if core.startswith(("i am ", "i was ", "we are ")):
        return True
    kinds = {target.kind for target in targets}
    if not kinds or kinds & {"fault", "wanted"} or (before.sign > 0 and stance.manner == "judgement"):
        return False
    return _COMPARES.match(core) is not None or not _NAMES_FIRST.match(core)


_LACKS = re.compile(
    r"^(?!it\b|this\b|i\b|we\b|there\b|the (?:picture|image|photo|scene)).*\b(?:(?:has|have|got) no|"
    r"is missing|are missing|missing) "
    r"(?:(?:a|an|one|its|his|her|their|the|two|some|any) )?(?:left |right |front |back |other |upper |"
    r"lower )?(?P<lack>\w+)|"
    r"\b(?:has|have|with|got) (?:a|an|one|no|two|his|her) (?P<without>\w+) missing\b|"
    r"(?P<end>\w+) (?:of (?:the|his|her) \w+ (?:is|are) missing\b|(?:is|are) missing (?:from|on) )"
)


def lack_of(core: str, targets: Sequence[Target]) -> tuple[Target, ...]:
    """What somebody lacks that everybody has: of a dog without a paw, the missing paw is avoided."""
    match = _LACKS.search(core)
    lack = next(filter(None, match.groups()), None) if match else None
    if match is None or lack is None or not (is_body(lack) or match["end"]):
        return ()
    return tuple(target._replace(concept=Concept(lack, f"missing {lack}")) for target in targets[:1])


def exclaims(core: str, clause: Clause) -> bool:
    """Whether it is one of those: "what a face", "what lovely colors"."""
    if re.match(r"what an? ", core):
        return True
    good = cues.find("good", core)
    return not clause.asks and core.startswith("what ") and good is not None and good.start() == len("what ")


def is_weak(clause: Clause, targets: Sequence[Target]) -> bool:
    core = clause.plain
    if (
        clause.turned
        or clause.joined
        or re.search(r"\b(?:too|why|still|there (?:is|are))\b", core)
        or is_request(core)
    ):
        return False
    known = any(target.kind != "unknown" for target in targets)
    if known and not re.search(r"\b(?:so|very|really|insanely)\b", core):
        return False
    strong = ("negation", "bad", "reject", "offend", "remove", "fix", "alter")
    return not any(cues.find(name, core) or cues.find_verb_of(name, core) for name in strong)
