"""What a plan cannot know, checked before weights are read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from negspace.avoid.plan import Plan


def check_settings(planned: "Plan") -> None:
    """Stop where a rule has no such setting, or one is out of its range.

    Only a rule that is given settings is built: that needs torch, which takes a second to load.

    Raises:
        RequestError: so it is.
    """
    if "(" in planned.rule:
        from negspace.guidance import make

        make(planned.rule, scale=planned.scale)
