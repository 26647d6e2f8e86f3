"""Opens judges by name, folder or address: what stands behind `--judge`.

A judge that ships is a module in `negspace.judge.judges`, which defines `OPENERS`: its names with a
`JudgeOpener` each. Another package adds a judge with an entry point, which is a `JudgeOpener` too: a
function, or a class of judges whose constructor takes the text.

    [project.entry-points."negspace.judges"]
    nsfw = "my_package.nsfw:open_nsfw"          # def open_nsfw(text: str) -> Judge

It is then `nsfw`, or `nsfw:TEXT`, wherever a judge is named. An opener that is a `ScoringOpener` takes
calibrations, `nsfw@FILE`, and `negspace judge calibrate` makes them.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, cast

from negspace.errors import JudgeError, no_such
from negspace.judge import judges as shipped_judges
from negspace.judge.base import Judge, JudgeOpener, Panel
from negspace.judge.judges.zero_shot import FOLDER
from negspace.judge.scoring import ScoringJudge, ScoringOpener
from negspace.plugins import check_call, defined_in, plugins

_NAME_AND_TEXT: Final = re.compile(r"([A-Za-z][\w-]*)(?:$|:|(?=@))(.*)", re.DOTALL)


@cache
def openers() -> Mapping[str, JudgeOpener]:
    """Every opener by its name: those that ship, and plug-ins."""
    shipped: dict[str, JudgeOpener] = {}
    for own in defined_in(shipped_judges, "OPENERS", dict):
        shipped |= {name: _checked(opener) for name, opener in own.items()}
    return plugins("negspace.judges", shipped, _checked)


def open_judge(text: str) -> Judge:
    """The judge that a text names.

    Args:
        text: "embedded", the CLIP and the measures of the embedded model, calibrated on its world; "quality",
            measures that need no weights; "oracle", which reads the drawn world and nothing else; the name of
            a plug-in; the folder of a CLIP or SigLIP; the http address of a hosted moderator. A calibration
            stands behind an @: "quality@mine.json", "folder@mine.json".

    Raises:
        JudgeError: there is none.
    """
    opener, rest = find_opener(text)
    return opener(rest)


def open_judges(texts: Sequence[str]) -> Judge:
    """Several judges as one; a concept goes to the first that knows it.

    Raises:
        JudgeError: one of them is not there.
    """
    judges = [open_judge(text) for text in texts]
    return judges[0] if len(judges) == 1 else Panel(judges)


def open_scoring(text: str) -> ScoringJudge:
    """The judge that a text names, to be calibrated: without a calibration that the text does not name.

    Raises:
        JudgeError: there is none, or it has no thresholds.
    """
    opener, rest = find_opener(text)
    if not isinstance(opener, ScoringOpener):
        raise JudgeError(f"the judge {text} has no thresholds to calibrate")
    return opener.open(rest, None)


def find_opener(text: str, others: Sequence[str] = ()) -> tuple[JudgeOpener, str]:
    """What opens the judge that a text names, and the text it needs for that.

    Args:
        others: further names for the list of what there is.

    Raises:
        JudgeError: no judge has that name, and no folder.
    """
    known = openers()
    match = _NAME_AND_TEXT.fullmatch(text)
    if match is not None and match[1] in known:
        return known[match[1]], match[2]
    place = text.partition("@")[0]
    if Path(place).is_dir():
        return known[FOLDER], text
    raise JudgeError(f"{no_such('judge', place, (*known, *others))}, or the path of a CLIP or SigLIP folder")


def _checked(entry: object) -> JudgeOpener:
    if not callable(entry):
        raise ValueError(f"{entry!r:.60} is no function that opens a judge")
    check_call(entry, "", what=f"{entry!r:.60} does not take one text")
    return cast(JudgeOpener, entry)
