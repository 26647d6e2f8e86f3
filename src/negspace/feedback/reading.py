"""Reads complaints by rules and a lexicon: what a sentence is against, what it wants, and what it only says.

A complaint is read clause by clause. The stance of a clause (`stance`) says whether it is for or against
something and whether it asks, reports or judges; what it is about (`targets`) is a word of the lexicon, or a
noun where the deciding phrase wants one. A clause without a stance of its own continues the one before ("lose
the hat and the scarf"). Praise, reports of success, questions and wishes for another picture are told apart,
and what is not understood is said to be so, with what it could mean.
"""

from collections.abc import Sequence
from dataclasses import replace

from negspace.avoid.merging import AvoidList
from negspace.errors import RequestError
from negspace.feedback.clause_reader import ClauseContext, ClauseReader
from negspace.feedback.clauses import Clause, clauses_of
from negspace.feedback.forms import exchanged
from negspace.feedback.lexicon import Opinion
from negspace.feedback.statements import ReadComplaint, Statement

_MOST_CHARACTERS = 2_000


def read_complaint(complaint: str, avoid_list: AvoidList | None = None) -> ReadComplaint:
    """What a complaint says.

    Args:
        complaint: a sentence or several, in English.
        avoid_list: what is avoided now; "the hat is gone" is a success where the hat is avoided.

    Raises:
        RequestError: it is longer than 2,000 characters.
    """
    if len(complaint) > _MOST_CHARACTERS:
        raise RequestError(
            f"a complaint of {len(complaint):,} characters; {_MOST_CHARACTERS:,} are read at most"
        )
    reader = ClauseReader(avoid_list or AvoidList())
    opinions: dict[str, Opinion] = {}
    weak: list[Opinion] = []
    statements: list[Statement] = []
    context = ClauseContext()
    every = list(clauses_of(complaint))
    for clause in every:
        for part in _parts(clause):
            reading = reader.read(part, context)
            _take(opinions, reading.opinions)
            weak += reading.opinions if reading.weak else ()
            statements += [reading.statement] if reading.statement else ()
            context = reading.context
    if any(statement.kind == "praise" for statement in statements):
        opinions = {name: opinion for name, opinion in opinions.items() if opinion not in weak}
    if not opinions and not statements and context.waiting:
        _take(opinions, reader.left(every[-1], context).opinions)
    if not opinions and not statements and complaint.strip():
        statements.append(reader.unclear(complaint.strip(), " ".join(clause.plain for clause in every)))
    return ReadComplaint(tuple(opinions.values()), tuple(statements))


def _take(opinions: dict[str, Opinion], more: Sequence[Opinion]) -> None:
    """Add opinions; the later counts, but praise does not weaken a wish."""
    for opinion in more:
        before = opinions.get(opinion.concept.name)
        if before is None or not opinion.praise or before.polarity == "against":
            if before is not None and before.polarity == opinion.polarity and opinion.strength == 1.0:
                opinion = replace(opinion, strength=before.strength)
            opinions.pop(opinion.concept.name, None)
            opinions[opinion.concept.name] = opinion


def _parts(clause: Clause) -> Sequence[Clause]:
    """A clause, or the two halves of an exchange."""
    halves = [clause._replace(text=text, plain=plain) for text, plain in exchanged(clause.plain)]
    return halves or [clause]
