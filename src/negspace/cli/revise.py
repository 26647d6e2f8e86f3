"""`negspace revise`: what to avoid after complaints about a picture."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from negspace.cli import show
from negspace.cli.options import JsonOption, option

if TYPE_CHECKING:
    from negspace.avoid import Entry
    from negspace.feedback.revision import Change

ComplaintsArgument = Annotated[
    list[str], typer.Argument(metavar="COMPLAINT...", help="In plain words, one a picture, in order.")
]
AvoidOption = Annotated[str | None, option("TEXT", "What was avoided at first.", "--avoid", "-a")]


def revise(complaints: ComplaintsArgument, avoid: AvoidOption = None, json: JsonOption = False) -> None:
    """Change what is avoided by what people say of a picture; nothing is made.

    What is complained of is looked for in the next picture (`check` retry). Praise, questions and what is not
    understood change nothing, and the answer says so. JSON has the terms as a request takes them.
    """
    from negspace.feedback.history import History
    from negspace.planning.negative import negative_text

    history, answers = History.of(avoid), list[str]()
    for complaint in complaints:
        history = history.after(complaint)
        answers += history.answer
    terms, changes = history.avoid_list.avoids, history.changes
    text = negative_text(terms, "a1111") or ""
    if json:
        show.as_json(
            {
                "text": text,
                "avoid": [term.model_dump(mode="json") for term in terms],
                "changes": [_fields(change) for change in changes],
                "answer": answers,
            }
        )
        return
    if changes:
        rows = [_row(change) for change in changes]
        show.table(("term", "", "before", "after", "said", "note"), rows, {"note": ""})
        show.line("")
    for line in answers:
        show.line(line)
    show.line("")
    show.line(f"avoid: {text}", "bold")
    again = [repr(term.term) for term in terms if term.check != "none"]
    if again:
        show.line(f"to be looked for: {', '.join(again)}")


def _row(change: "Change") -> tuple[str, ...]:
    return (
        change.term,
        change.direction,
        _entry_text(change.before),
        _entry_text(change.after),
        change.clause,
        change.why_not or "",
    )


def _entry_text(entry: "Entry | None") -> str:
    if entry is None:
        return "-"
    check = entry.avoid.check
    return f"{entry.avoid.weight:g}" + ("" if check == "none" else f", {check}")


def _fields(change: "Change") -> dict[str, Any]:
    """A change as JSON, where its clause is called `said`."""
    from dataclasses import asdict

    fields = asdict(change)
    for name in ("before", "after"):
        entry = getattr(change, name)
        fields[name] = None if entry is None else entry.avoid.model_dump(mode="json")
    return fields | {"said": fields.pop("clause")}
