"""Weights of words in a plan: which are written into texts, which cannot act, and which act otherwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from negspace.facts import PUBLISHED_WEIGHTINGS, ModelFacts
from negspace.findings import Finding, Side
from negspace.planning.negative import PlannedTerm
from negspace.planning.rule import ResolvedRule
from negspace.prompt import Prompt
from negspace.prompt.tree import Span
from negspace.request import Avoid, Request


def delivered_terms(avoid: str | Sequence[Avoid] | None, facts: ModelFacts) -> str | tuple[Avoid, ...] | None:
    """What is avoided as the text of the negative has it: terms without those of weight 0.

    Where nothing but language models reads the text, it has no weights, and no terms with one below 0.
    """
    if avoid is None or isinstance(avoid, str):
        return avoid
    if any(encoder.kind == "clip" for encoder in facts.encoders):
        return tuple(term for term in avoid if term.weight)
    return tuple(term.model_copy(update={"weight": 1.0}) for term in avoid if term.weight > 0)


@dataclass(frozen=True)
class _Weighted:
    """Words with a weight other than 1."""

    text: str
    weight: float
    span: Span | None
    side: Side


def weight_findings(
    prompts: Sequence[Prompt],
    terms: Sequence[PlannedTerm],
    request: Request,
    rule: ResolvedRule,
    facts: ModelFacts,
) -> Iterator[Finding]:
    """Findings on weights that cannot act, and on those that act otherwise than in the program they are from.

    Args:
        prompts: every prompt that the prompt side holds at some step.
        terms: every avoided term.
        request: as it is carried out.
        rule: of the request. One that evaluates each term by itself has a strength for each.
        facts: of the model.
    """
    weighted = [
        _Weighted(chunk.text.strip(), chunk.weight, chunk.span, "prompt")
        for prompt in prompts
        for chunk in prompt.chunks
        if chunk.kind == "text" and chunk.text.strip() and chunk.weight != 1.0
    ]
    for words in dict.fromkeys(weighted):
        if words.weight == 0:
            yield _finding("weight", f"{words.text!r} weighs 0 and does nothing: it is left out", words, True)
    if not rule.weighs_terms:
        weighted += [
            _Weighted(term.avoid.term, term.avoid.weight, term.span, "avoid")
            for term in terms
            if term.avoid.weight not in (0.0, 1.0)
        ]
    for words in dict.fromkeys(weighted):
        if words.weight:
            yield from _findings(words, request.weighting, facts)


def _findings(words: _Weighted, weighting: str, facts: ModelFacts) -> Iterator[Finding]:
    running = [encoder.name for encoder in facts.encoders if encoder.kind == "llm"]
    windowed = len(running) < len(facts.encoders)
    if running:
        fate = "is given as plain words" if words.weight > 0 else "is left out"
        text = (
            f"{' and '.join(running)} reads running text, where no weight acts: {words.text!r} "
            f"({words.weight:g}) {fate}"
        )
        yield _finding("weight-cannot-act", text, words, not windowed)
    published = PUBLISHED_WEIGHTINGS[weighting]
    if windowed and 0 < words.weight < published.least:
        text = (
            f"{words.text!r} weighs {words.weight:g}: below {published.least:g} a share of the text "
            f"without it is mixed in, unlike in {published.program}"
        )
        yield _finding("small-weight", text, words, False)
    if windowed and -1 < words.weight < 0:
        text = (
            f"{words.text!r} weighs {words.weight:g}: between 0 and -1 that is its share of the attention, "
            "unlike in NegPiP"
        )
        yield _finding("small-weight", text, words, False)


def _finding(code: str, text: str, words: _Weighted, warning: bool) -> Finding:
    return Finding(code, text, words.span, words.side, "warning" if warning else "note")
