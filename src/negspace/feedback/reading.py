"""Reads complaints by rules and a lexicon: what a sentence is against, what it wants, and what it only says.

A complaint is read clause by clause. Turns of speech are brought to plain words first (`rewrites.yaml`),
and forms that say by themselves what is asked for (`forms.yaml`) to a request. The stance of a clause
(`stance`) says whether it is for or against something and whether it asks, reports or judges; what it is
about (`targets`) is a word of the lexicon, or a noun, found by parts of speech (`nouns`, `tags`). A
statement about a thing that says nothing good is against it, unless something in the same sentence is
praised. Praise, reports of success, questions and wishes for another picture are told apart, and what is
not understood is said to be so, with what it could mean.
"""

from collections.abc import Sequence
from dataclasses import replace

from negspace.avoid.merging import AvoidList
from negspace.errors import RequestError
from negspace.feedback.clause_reader import ClauseReader
from negspace.feedback.clauses import Clause, clauses_of
from negspace.feedback.context import ClauseContext, ClauseReading
from negspace.feedback.forms import exchanged
from negspace.feedback.lexicon import Opinion
from negspace.feedback.statements import ReadComplaint

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
    every = list(clauses_of(complaint))
    readings = _readings(reader, every)
    statements = [reading.statement for reading in readings if reading.statement]
    praised = any(statement.kind == "praise" for statement in statements)
    opinions: dict[str, Opinion] = {}
    for reading in readings:
        _take(opinions, () if praised and reading.weak else reading.opinions)
    if not opinions and not statements and readings and readings[-1].context.waiting:
        _take(opinions, reader.left(every[-1], readings[-1].context).opinions)
    if not opinions and not statements and complaint.strip():
        statements.append(reader.unclear(complaint.strip(), " ".join(clause.plain for clause in every)))
    return ReadComplaint(tuple(opinions.values()), tuple(statements))


def _readings(reader: ClauseReader, clauses: Sequence[Clause]) -> Sequence[ClauseReading]:
    """What the clauses say, each beside what those before it have left."""
    readings: list[ClauseReading] = []
    context = ClauseContext()
    for part in (part for clause in clauses for part in _parts(clause)):
        readings.append(reader.read(part, context))
        context = readings[-1].context
    return readings


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
