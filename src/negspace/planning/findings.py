"""Noticing: what is worth knowing of a plan before anything runs, in plain words."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from negspace.avoid.terms import content_words, words_of
from negspace.facts import ModelFacts
from negspace.findings import Finding, Side
from negspace.planning.estimates import TextEstimator
from negspace.planning.negative import Negative, PlannedTerm, prompts_of
from negspace.policy.govern import GovernedRequest
from negspace.prompt import Prompt, parse
from negspace.request import Request

_NEGATIONS = frozenset({"no", "not", "without", "never"})


def noticed(
    request: Request,
    governed: GovernedRequest,
    facts: ModelFacts,
    estimates: TextEstimator,
    negative: Negative,
    terms: Sequence[PlannedTerm],
    steps: int,
    why_not: str | None,
) -> Iterator[Finding]:
    """What is worth knowing.

    Args:
        request: as asked, with its inline forms read.
        governed: as it is carried out.
        facts, estimates: of the model.
        negative: what the negative side is told.
        terms: every avoided term.
        steps: of the sampler.
        why_not: why the negative cannot act; None where it can.
    """
    if why_not is not None and (negative.text is not None or terms):
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    carried = governed.request
    asked = prompts_of(request.prompt, request.dialect, steps)
    yield from _read_findings(asked, "prompt")
    longest = max(estimates.tokens(prompt.clean) for prompt in asked)
    yield from estimates.length_findings(longest, "prompt", lambda: asked)
    if governed.entries is None:
        yield from _read_findings(negative.prompts(), "avoid")
    elif isinstance(request.avoid, str):  # of which the list was made
        yield from _read_findings(prompts_of(request.avoid, request.dialect, steps), "avoid")
    yield from estimates.length_findings(negative.tokens, "avoid", negative.prompts)
    prompts = prompts_of(carried.prompt, carried.dialect, steps)
    yield from _word_findings(request.prompt, prompts, estimates)
    in_prompt = words_of(" , ".join(prompt.clean for prompt in prompts))
    for term in terms:
        yield from _term_findings(term, in_prompt)
    yield from _embedding_findings(carried, negative.text, facts, estimates)


def _read_findings(prompts: Sequence[Prompt], side: Side) -> Iterator[Finding]:
    """What the dialect noticed."""
    found = {replace(finding, side=side) for prompt in prompts for finding in prompt.findings}
    yield from sorted(found, key=lambda finding: (finding.span or (0, 0), finding.code))


def _word_findings(asked: str, prompts: Sequence[Prompt], estimates: TextEstimator) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and words that say no in a way not understood."""
    told = [prompt.clean for prompt in prompts]
    for word in dict.fromkeys(word for text in told for word in estimates.of(text).unknown or ()):
        text = f"{word!r} is a word the model has never learned"
        yield Finding("unknown-word", text, _first(word, asked), "prompt")
    pairs = (pair for text in told for pair in pairwise(words_of(text)) if pair[0] in _NEGATIONS)
    for word, following in dict.fromkeys(pairs):
        text = f"{word!r} in a prompt tends to bring what follows; avoid {following!r} instead"
        yield Finding("negation", text, _first(word, asked), "prompt", "note")


def _term_findings(term: PlannedTerm, in_prompt: tuple[str, ...]) -> Iterator[Finding]:
    text, span = term.avoid.term, term.span
    for word in term.unknown:
        yield Finding("unknown-word", f"{word!r} is a word the model has never learned", span, "avoid")
    words = words_of(text)
    if words and words[0] in _NEGATIONS and len(words) > 1:  # one that could not be understood
        told = f"{text!r} is avoided as it stands, which asks for it; write {' '.join(words[1:])!r}"
        yield Finding("negation", told, span, "avoid")
    content = content_words(text)
    if content and _stands_in(content, in_prompt):
        yield Finding("contradiction", f"{text!r} is also in the prompt", span, "avoid")
    if term.avoid.weight == 0:
        yield Finding("weight", f"{text!r} weighs 0 and does nothing", span, "avoid")
    if term.avoid.weight < 0:
        told = f"{text!r} weighs {term.avoid.weight:g}: avoiding less than nothing asks for it"
        yield Finding("weight", told, span, "avoid")


def _stands_in(words: tuple[str, ...], text: tuple[str, ...]) -> bool:
    return words[0] in text and any(text[i : i + len(words)] == words for i in range(len(text)))


def _embedding_findings(
    request: Request, negative: str | None, facts: ModelFacts, estimates: TextEstimator
) -> Iterator[Finding]:
    """Embeddings that nothing asks for."""
    if not facts.embeddings:
        return
    others = (text or "" for text in (*request.other_prompts, *request.other_avoids))
    texts = (parse(text, request.dialect).clean for text in (request.prompt, negative or "", *others))
    named = estimates.named(" , ".join(texts))
    for one in facts.embeddings:
        if one.name.lower() not in named:
            text = f"the embedding {one.name!r} is given and named in no text, so it does nothing"
            yield Finding("embedding-not-named", text)


def _first(word: str, text: str) -> tuple[int, int] | None:
    at = text.lower().find(word)
    return (at, at + len(word)) if at >= 0 else None
