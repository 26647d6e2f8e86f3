"""Whether a clause that has the form of a question is no more than that."""

import re
from collections.abc import Sequence

from negspace.feedback import cues
from negspace.feedback.clauses import Clause
from negspace.feedback.forms import is_question, may_complain
from negspace.feedback.stance import Stance, is_request
from negspace.feedback.targets import Target

_ABOUT_US = re.compile(
    r"^(?:would it|(?:can|could|may|will|would|do) (?:i|we|it) (?:use|post|print|sell|share|download|"
    r"save|upload|(?:have|get|see) (?:this|it|that) (?:in|as|for|on)\b)"
    r"|can you (?:also )?(?:do|make|draw|handle|create|generate|export|save|read|remember|see) (?!it\b|"
    r"them\b|this\b|that\b|the\b|her\b|him\b|his\b|sure\b|my\b).*)"
)
_INVERTED = re.compile(r"^(?:is|are|was|were|does|did|has|have) (?!not\b|it\b|this\b|there\b|that\b)")
_POLITE = re.compile(
    r"(?:can|could|would|will|may|is it possible|is there a|how (?:do|can) (?:i|we)|do you mind)\b"
)


def asks_only(clause: Clause, stance: Stance, targets: Sequence[Target], *, speaks: bool) -> bool:
    """Whether a clause is a question and nothing else.

    Args:
        clause: it ends with a question mark or has the form of a question.
        stance: of the clause.
        targets: what it is about.
        speaks: whether it would be for or against something if it were no question.
    """
    core = clause.plain
    if clause.asks and _INVERTED.match(core):
        return True
    if not is_question(core):
        return not speaks or stance.manner == "absence" or _is_cue(stance, "negation")
    if _POLITE.match(core):
        return not _asks_politely(core, stance, targets, speaks=speaks)
    if not may_complain(core) or not speaks or (clause.asks and _is_cue(stance, "alter")):
        return True
    judged = stance.cue is not None and not _is_cue(stance, "exist", "still", "negation")
    sure = {target.kind for target in targets} <= {"fault", "part", "wanted"}
    return clause.asks and not sure and not (judged and not core.startswith("what happened"))


def _asks_politely(core: str, stance: Stance, targets: Sequence[Target], *, speaks: bool) -> bool:
    """Whether it is a request in the form of a question: "can you remove it"."""
    if _ABOUT_US.match(core) or not is_request(core):
        return False
    if not speaks:
        return cues.find_verb("fix", "base", core) is not None
    return stance.manner == "request" or any(target.kind in ("wanted", "fault") for target in targets)


def _is_cue(stance: Stance, *names: str) -> bool:
    return stance.cue is not None and stance.cue.name in names
