"""What a clause says, and what it leaves to the clauses behind it."""

from typing import NamedTuple

from negspace.feedback.lexicon import Opinion
from negspace.feedback.statements import Statement
from negspace.feedback.targets import Target


class ClauseContext(NamedTuple):
    """What the clauses before have left.

    Attributes:
        sign: of the last clause with a stance.
        about: what it was about; "it" and "them" mean this.
        waiting: bare nouns that wait for the stance of the next clause.
        requested: whether it was a request, whose objects may go on in the next clause.
        asked_of: what a question was about: "a microphone? no thanks".
    """

    sign: int = 0
    about: tuple[Target, ...] = ()
    waiting: tuple[Target, ...] = ()
    requested: bool = False
    asked_of: tuple[Target, ...] = ()


class ClauseReading(NamedTuple):
    """What a clause says, and what it leaves to the next.

    Attributes:
        opinions: on concepts.
        statement: what it says otherwise.
        context: for the next clause.
        weak: whether it only says how things are, so that praise beside it shows that they are liked.
    """

    opinions: tuple[Opinion, ...] = ()
    statement: Statement | None = None
    context: ClauseContext = ClauseContext()
    weak: bool = False
