"""What to tell a person about their feedback: what was changed, what was not and why, what was unclear."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from negspace.feedback.revision import Change, Revision
    from negspace.feedback.statements import Statement, StatementKind

NOTHING_CHANGED: Final = "nothing changed"

_STATEMENTS: Final[dict["StatementKind", str]] = {
    "praise": "{clause!r}: good; nothing is to be changed by that",
    "success": "{clause!r}: good; it stays avoided",
    "question": "{clause!r} is a question, which changes nothing",
    "again": "{clause!r}: another picture, on a new seed",
    "wish": "{clause!r} says what is wanted; the prompt is the place for it",
    "unclear": "{clause!r} was not understood",
}


def answer_of(revision: "Revision") -> tuple[str, ...]:
    """The answer to feedback, a line a change and a statement; the first says so where nothing changed."""
    lines = [*map(_change_line, revision.changes), *map(_statement_line, revision.statements)]
    if not revision.changed and not revision.again:
        lines.insert(0, NOTHING_CHANGED)
    return tuple(lines)


def _change_line(change: "Change") -> str:
    if change.why_not is not None:
        place = "; the prompt is the place for what is wanted" if change.direction == "allow" else ""
        return f"{change.term}: {NOTHING_CHANGED}, {change.why_not}{place}"
    before, after = change.before, change.after
    if after is None:
        return f"{change.term}: no longer avoided"
    weights = (
        f"{after.avoid.weight:g}" if before is None else f"{before.avoid.weight:g} to {after.avoid.weight:g}"
    )
    return f"{change.term}: {change.direction}, weight {weights}"


def _statement_line(statement: "Statement") -> str:
    line = _STATEMENTS[statement.kind].format(clause=statement.clause)
    if not statement.suggestions:
        return line
    could = "it could mean" if statement.kind == "unclear" else "if it is a complaint, say"
    return f"{line}; {could}: {', '.join(map(repr, statement.suggestions))}"
