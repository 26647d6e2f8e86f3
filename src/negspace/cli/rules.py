"""`negspace rules`: how predictions can be combined."""

from negspace.cli import show
from negspace.cli.options import Json


def rules(json: Json = False) -> None:
    """List the guidance rules: formula and paper of each."""
    from negspace.guidance import RULES  # needs torch, which takes a second to load

    if json:
        show.as_json(
            {
                name: {"formula": rule.formula, "paper": rule.paper, "space": rule.space}
                for name, rule in RULES.items()
            }
        )
        return
    show.table(
        ("rule", "formula", "paper"), [(name, rule.formula, rule.paper) for name, rule in RULES.items()]
    )
    show.line("")
    show.line(
        "d_c, d_n and d_u are the predictions for what is wanted, what is avoided, and the empty prompt.",
        "dim",
    )
