"""Findings on the texts of a plan, in plain words, before anything runs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from negspace.avoid.terms import content_words, is_plain, words_of
from negspace.facts import ModelFacts
from negspace.findings import Finding, Side
from negspace.planning.estimates import TextEstimator, estimator_for
from negspace.planning.model_findings import model_findings
from negspace.planning.negative import Negative, PlannedTerm, prompts_of
from negspace.policy.govern import GovernedRequest
from negspace.prompt import Prompt, parse
from negspace.prompt.reading import without_carried
from negspace.request import Request

_NEGATIONS = frozenset({"no", "not", "without", "never"})


def text_findings(
    request: Request,
    governed: GovernedRequest,
    facts: ModelFacts,
    negative: Negative,
    terms: Sequence[PlannedTerm],
    why_not: str | None,
) -> Iterator[Finding]:
    """Findings on both texts and on every term.

    Args:
        request: as asked, with its inline forms read.
        governed: as it is carried out.
        facts: of the model.
        negative: the text of the negative side.
        terms: every avoided term.
        why_not: why the negative cannot act; None where it can.
    """
    estimator, steps = estimator_for(facts), negative.steps
    if why_not is not None and (negative.text is not None or terms):
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    carried = governed.request
    prompts = prompts_of(request.prompt, request.dialect, steps)
    yield from _reading_findings(request.prompt, prompts, facts, "prompt")
    longest = max(estimator.tokens(prompt.clean) for prompt in prompts)
    yield from estimator.length_findings(longest, "prompt", lambda: prompts)
    if governed.entries is None:
        yield from _reading_findings(negative.text or "", negative.prompts(), facts, "avoid")
    elif isinstance(request.avoid, str):  # the merged list was made of it
        read = prompts_of(request.avoid, request.dialect, steps)
        yield from _reading_findings(request.avoid, read, facts, "avoid")
    else:
        avoided = [avoid.term for avoid in request.avoid or ()]
        yield from _findings_elsewhere(avoided, request.dialect, facts, "avoid", steps)
    yield from _findings_elsewhere(request.other_prompts, request.dialect, facts, "prompt", steps)
    yield from _findings_elsewhere(request.other_avoids, request.dialect, facts, "avoid", steps)
    yield from estimator.length_findings(negative.tokens, "avoid", negative.prompts)
    texts = [prompt.clean for prompt in prompts_of(carried.prompt, carried.dialect, steps)]
    yield from _word_findings(request.prompt, texts, estimator)
    prompt_words = words_of(" , ".join(texts))
    if terms and negative.text == carried.prompt and carried.other_avoids == carried.other_prompts:
        text = "the negative says the same as the prompt, so the two cancel instead of anything being avoided"
        yield Finding("contradiction", text, side="avoid")
    for term in terms:
        yield from _term_findings(term, prompt_words, steps)
    if terms and all(term.known is False for term in terms):
        text = (
            "the model has never learned any term that is avoided, so what the negative changes is arbitrary"
        )
        yield Finding("unknown-negative", text, side="avoid")
    yield from _embedding_findings(carried, negative.text, facts, estimator)


def _reading_findings(
    text: str, prompts: Sequence[Prompt], facts: ModelFacts, side: Side
) -> Iterator[Finding]:
    """Findings of the dialect on reading the text, and what of it the model does not have."""
    loras = facts.loras or () if side == "prompt" else ()
    findings = {finding for prompt in prompts for finding in without_carried(prompt, loras)}
    findings.update(model_findings(text, prompts, facts))
    for finding in sorted(findings, key=lambda finding: (finding.span or (0, 0), finding.code)):
        yield replace(finding, side=side)


def _findings_elsewhere(
    texts: Iterable[str | None], dialect: str, facts: ModelFacts, side: Side, steps: int
) -> Iterator[Finding]:
    """The same for texts that are not those of the plan, so that they name the text and not its place."""
    for text in texts:
        if text is not None and not is_plain(text):
            for finding in _reading_findings(text, prompts_of(text, dialect, steps), facts, side):
                yield replace(finding, text=f"in {text[:40]!r}: {finding.text}", span=None)


def _word_findings(source: str, texts: Sequence[str], estimator: TextEstimator) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and negations that could not be understood.

    Args:
        source: the prompt as it was written.
        texts: what of it is read at some step, without syntax.
        estimator: of the model.
    """
    unknown = (word for text in texts for word in estimator.estimate(text).unknown or ())
    for word in dict.fromkeys(unknown):
        message = f"{word!r} is a word the model has never learned"
        yield Finding("unknown-word", message, _first(word, source), "prompt")
    pairs = (pair for text in texts for pair in pairwise(words_of(text)) if pair[0] in _NEGATIONS)
    for word, following in dict.fromkeys(pairs):
        message = f"{word!r} in a prompt tends to bring what follows; avoid {following!r} instead"
        yield Finding("negation", message, _first(word, source), "prompt", "note")


def _term_findings(term: PlannedTerm, prompt_words: tuple[str, ...], steps: int) -> Iterator[Finding]:
    text, span = term.avoid.term, term.span
    for word in term.unknown:
        yield Finding("unknown-word", f"{word!r} is a word the model has never learned", span, "avoid")
    words = words_of(text)
    if words and words[0] in _NEGATIONS and len(words) > 1:  # one that could not be understood
        message = f"{text!r} is avoided as it is written, which asks for it; write {' '.join(words[1:])!r}"
        yield Finding("negation", message, span, "avoid")
    content = content_words(text)
    if content and _is_in(content, prompt_words):
        yield Finding("contradiction", f"{text!r} is also in the prompt", span, "avoid")
    start, stop = term.avoid.window
    if not any(start <= index / steps < stop for index in range(steps)):
        message = (
            f"{text!r} is avoided from {start:.3g} to {stop:.3g} of the steps, where none of {steps} lies"
        )
        yield Finding("window", message, span, "avoid")
    if term.avoid.weight == 0:
        yield Finding("weight", f"{text!r} weighs 0 and does nothing: it is left out", span, "avoid")
    if term.avoid.weight < 0:
        message = f"{text!r} weighs {term.avoid.weight:g}: a negative weight asks for it"
        yield Finding("weight", message, span, "avoid")


def _is_in(words: tuple[str, ...], text: tuple[str, ...]) -> bool:
    return words[0] in text and any(text[i : i + len(words)] == words for i in range(len(text)))


def _embedding_findings(
    request: Request, negative: str | None, facts: ModelFacts, estimator: TextEstimator
) -> Iterator[Finding]:
    """Embeddings that no text names."""
    if not facts.embeddings:
        return
    others = (text or "" for text in (*request.other_prompts, *request.other_avoids))
    texts = (parse(text, request.dialect).clean for text in (request.prompt, negative or "", *others))
    named = estimator.named(" , ".join(texts))
    for embedding in facts.embeddings:
        if embedding.name.lower() not in named:
            text = f"the embedding {embedding.name!r} is given and named in no text, so it does nothing"
            yield Finding("embedding-not-named", text)


def _first(word: str, text: str) -> tuple[int, int] | None:
    at = text.lower().find(word)
    return (at, at + len(word)) if at >= 0 else None
