"""The texts of a plan in another dialect: the same words and weights as another program writes them."""

from negspace.errors import PromptError
from negspace.findings import Finding, Side
from negspace.frozen import Frozen
from negspace.planning.plan import Plan
from negspace.prompt import convert


class Converted(Frozen):
    """The texts of a plan in another dialect.

    Attributes:
        dialect: the dialect.
        positive, negative: the texts in it; None where there is no text, or the dialect cannot express it.
        findings: what the dialect cannot express, with its place in the text of the plan.
    """

    dialect: str
    positive: str | None
    negative: str | None
    findings: tuple[Finding, ...]


def convert_plan(plan: Plan, dialect: str) -> Converted:
    """Both texts of a plan in a dialect, with the same weight on every word.

    Raises:
        RequestError: there is no such dialect.
    """
    findings: list[Finding] = []

    def convert_side(text: str | None, source: str, side: Side) -> str | None:
        try:
            return None if text is None else convert(text, source, dialect)
        except PromptError as error:
            findings.append(Finding("not-convertible", str(error), error.span, side))
            return None

    positive = convert_side(plan.positive, plan.carried.dialect, "prompt")
    negative = convert_side(plan.negative, plan.negative_dialect, "avoid")
    return Converted(dialect=dialect, positive=positive, negative=negative, findings=tuple(findings))
