"""Conversion of a plan's texts: the same words and numbers as another program writes them."""

from negspace.errors import PromptError
from negspace.findings import Finding, Side
from negspace.frozen import Frozen
from negspace.planning.plan import Plan
from negspace.prompt import convert


class Converted(Frozen):
    """The texts of a plan in another dialect.

    Attributes:
        dialect: the dialect.
        positive, negative: the texts in it; None where it cannot say one, or there is none.
        findings: what it cannot say, and where that stands in the text of the plan.
    """

    dialect: str
    positive: str | None
    negative: str | None
    findings: tuple[Finding, ...]


def converted(planned: Plan, dialect: str) -> Converted:
    """Both texts of a plan in a dialect, with the same weight on every word.

    Raises:
        RequestError: there is no such dialect.
    """
    findings: list[Finding] = []

    def told(text: str | None, source: str, side: Side) -> str | None:
        try:
            return None if text is None else convert(text, source, dialect)
        except PromptError as error:
            findings.append(Finding("not-convertible", str(error), error.span, side))
            return None

    positive = told(planned.positive, planned.carried.dialect, "prompt")
    negative = told(planned.negative, planned.negative_dialect, "avoid")
    return Converted(dialect=dialect, positive=positive, negative=negative, findings=tuple(findings))
