"""Notes: the findings of one reading."""

from negspace.errors import PromptError
from negspace.findings import Finding
from negspace.prompt.tree import Prompt, Span

MOST = 100  # a text of nothing but brackets would otherwise cost a finding a character


class Notes:
    """Collects findings in the order they are made."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._left_out = 0

    def warn(self, code: str, text: str, span: Span) -> None:
        """Notes something that probably was not meant; a strict reading stops there."""
        self._add(Finding(code, text, span))

    def mention(self, code: str, text: str, span: Span) -> None:
        """Notes something that is worth knowing and may well be meant."""
        self._add(Finding(code, text, span, level="note"))

    def _add(self, finding: Finding) -> None:
        if len(self._findings) < MOST:
            self._findings.append(finding)
        else:
            self._left_out += 1

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was noted, at most a hundred, then how many more there were."""
        more = (Finding("more", f"{self._left_out} more findings"),) if self._left_out else ()
        return (*self._findings, *more)


def insist(prompt: Prompt) -> Prompt:
    """The prompt, if nothing in it is questionable.

    Raises:
        PromptError: there is a warning among its findings; the first is told.
    """
    for finding in prompt.findings:
        if finding.level == "warning":
            span = finding.span or (0, len(prompt.source))
            raise PromptError(f"{finding.text} (characters {span[0]} to {span[1]})", span)
    return prompt
