"""Every judge of real pictures that ships: `text`, `nudity` and `quality`. What none of them can see, such as
"extra fingers", stays unknown."""

from typing import Final

from negspace.judge.base import Judge, JudgeOpener, Jury, refuse_text
from negspace.judge.judges.nudity import NudityJudge
from negspace.judge.judges.quality import Quality
from negspace.judge.judges.text import LetteringJudge


def _open(text: str) -> Judge:
    refuse_text("auto", text)
    return Jury([LetteringJudge(), NudityJudge(), Quality()])


OPENERS: Final[dict[str, JudgeOpener]] = {"auto": _open}
