"""What a complaint says: opinions on concepts, and statements that ask for no change."""

from dataclasses import dataclass
from typing import Literal

from negspace.feedback.lexicon import Opinion

StatementKind = Literal["praise", "success", "question", "again", "wish", "unclear"]


@dataclass(frozen=True)
class Statement:
    """A clause that asks for no change of what is avoided.

    Attributes:
        kind: "praise"; "success", what was avoided is gone; "question"; "again", another picture is wanted;
            "wish", something that belongs into the prompt; "unclear", it was not understood.
        clause: its words.
        suggestions: what it could mean, in sentences that would be understood.
    """

    kind: StatementKind
    clause: str
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReadComplaint:
    """What a complaint says.

    Attributes:
        opinions: on concepts, in order; of two on one concept the last counts.
        statements: everything else, in order.
    """

    opinions: tuple[Opinion, ...] = ()
    statements: tuple[Statement, ...] = ()
