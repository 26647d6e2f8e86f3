"""The table of shipped policies in docs/policy.md."""

from collections.abc import Iterator

from negspace.policy.loading import load_policy, shipped_names
from negspace.policy.policy import Policy

BEGIN = "<!-- made from the library by `make docs`; do not edit -->"
END = "<!-- end of what is made -->"


def table() -> str:
    """Every shipped policy in Markdown, with its explanation, the number of its terms and remarks."""
    rows = [_row(load_policy(name)) for name in shipped_names()]
    return "\n".join(["| policy | what it does | terms | remarks |", "|---|---|---|---|", *rows])


def with_table(page: str) -> str:
    """The page with the table between the marks made anew.

    Raises:
        ValueError: the marks are not there.
    """
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page has no part between {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def _row(policy: Policy) -> str:
    locked = sum(bool(term.locked) for term in policy.avoid)
    terms = f"{len(policy.avoid)}, {locked} locked" if locked else f"{len(policy.avoid)}"
    cells = (f"`{policy.name}`", policy.explain, terms, "; ".join(_remarks(policy)))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _remarks(policy: Policy) -> Iterator[str]:
    if policy.extends:
        yield f"extends {', '.join(f'`{name}`' for name in policy.extends)}"
    if any(term.check == "block" and term.unchecked == "refuse" for term in policy.avoid):
        yield "needs a judge"
    if policy.applies_to.checkpoints:
        yield f"only for {', '.join(f'`{pattern}`' for pattern in policy.applies_to.checkpoints)}"
    if policy.recommends is not None:
        yield f"offered by the plan; recommends {policy.recommends}"
    if policy.require:
        yield f"adds {', '.join(policy.require)}"
