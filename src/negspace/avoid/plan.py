"""Plan: a request compiled for one model, before anything runs. Pure: needs no weights and no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from negspace.avoid import ruling as rules
from negspace.avoid.ruling import Ruling, ruling
from negspace.avoid.terms import Term, content_words, terms_of, words_of
from negspace.errors import RequestError
from negspace.facts import ModelFacts
from negspace.findings import Finding, Side
from negspace.names import no_such
from negspace.prompt import Chunk, Prompt, parse, unfold, write
from negspace.request import Avoid, Request, Words

NOT_AT_ALL = "nothing"
_NEGATIONS = frozenset({"no", "not", "without", "never"})


class PlannedTerm(Words):
    """One avoided term and how the model is told.

    Attributes:
        avoid: the term as asked.
        span: its place in the avoid text; None where it was given as a term.
        told: by what the model is told: "negative branch", all in one text; "own branch"; "attention"; or
            several of these; or "nothing" where it cannot be told.
        tokens: how many tokens it will take, as far as can be told without the tokenizer.
        known: whether every content word is one the encoder has learned; None where nobody knows.
        unknown: the words that are not.
    """

    avoid: Avoid
    span: tuple[int, int] | None
    told: str
    tokens: int
    known: bool | None
    unknown: tuple[str, ...]


class Stage(Words):
    """What the negative side is told up to a share of the steps.

    Attributes:
        until: share of the steps at which it ends.
        text: None where nothing is told.
    """

    until: float
    text: str | None


class Plan(Words):
    """A request compiled for one model.

    Attributes:
        request: as asked.
        positive: the text the positive branch is told.
        negative: the text the negative branch is told, all terms in it; None where there is none.
        stages: what of it is told when; one stage where every term is told all the time.
        terms: every avoided term.
        rule, scale, steps, sampler, width, height: the request's, or the model's defaults; a scale in the
            rule's own text comes first.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        findings: what is worth knowing before anything runs.
    """

    request: Request
    positive: str
    negative: str | None
    stages: tuple[Stage, ...]
    terms: tuple[PlannedTerm, ...]
    rule: str
    scale: float
    steps: int
    sampler: str
    width: int
    height: int
    acts: bool
    why_not: str | None
    findings: tuple[Finding, ...]

    def negative_at(self, progress: float) -> str | None:
        """What the negative branch is told at a share of the steps in [0, 1)."""
        return next((stage.text for stage in self.stages if progress < stage.until), self.stages[-1].text)


def plan(request: Request, facts: ModelFacts) -> Plan:
    """Compile a request for a model. Nothing is generated.

    Raises:
        RequestError: the model cannot host the rule, has no such sampler or size, or a policy is not there.
        PromptError: a text cannot be read, or a term cannot be weighed in this dialect.
    """
    _refuse_impossible(request, facts)
    rule = ruling(request, facts)
    steps = facts.steps if request.steps is None else request.steps
    terms = terms_of(request.avoid, request.dialect, steps)
    stages = _stages(request)
    negative = _negative_text(request, request.avoid)
    if any(term.avoid.weight for term in terms):
        rules.refuse_distilled(rule, facts)
    why_not = _why_not(request, negative, terms, rule, facts)
    told = NOT_AT_ALL if why_not else " and ".join(rule.ways)
    planned = tuple(_planned(term, facts, told) for term in terms)
    return Plan(
        request=request,
        positive=request.prompt,
        negative=negative,
        stages=stages,
        terms=planned,
        rule=rule.text,
        scale=rule.scale,
        steps=steps,
        sampler=request.sampler or facts.sampler,
        width=request.width or facts.width,
        height=request.height or facts.height,
        acts=why_not is None,
        why_not=why_not,
        findings=(
            *_findings(request, facts, negative, planned, steps, why_not),
            *rules.findings(rule, request, facts),
        ),
    )


def _refuse_impossible(request: Request, facts: ModelFacts) -> None:
    if request.policies:
        raise RequestError(f"there is no policy {request.policies[0]!r}")
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    for name, size in (("width", request.width), ("height", request.height)):
        if size is not None and size % facts.multiple:
            raise RequestError(
                f"{name} {size} is not a multiple of {facts.multiple}, as {facts.name} needs; "
                f"{max(round(size / facts.multiple), 1) * facts.multiple} is"
            )


def _stages(request: Request) -> tuple[Stage, ...]:
    """What is told when: a text tells its own times by its schedules, terms by their windows."""
    if request.avoid is None or isinstance(request.avoid, str):
        return (Stage(until=1.0, text=request.avoid),)
    edges = sorted({edge for avoid in request.avoid for edge in avoid.window} | {0.0, 1.0})
    stages: list[Stage] = []
    for start, stop in pairwise(edges):
        told = [avoid for avoid in request.avoid if avoid.window[0] <= start < avoid.window[1]]
        stages.append(Stage(until=stop, text=_negative_text(request, told) if told else None))
    return tuple(stages)


def _negative_text(request: Request, avoid: str | Sequence[Avoid] | None) -> str | None:
    if avoid is None or isinstance(avoid, str):
        return avoid
    return ", ".join(_weighed(one, request.dialect) for one in avoid)


def _weighed(avoid: Avoid, dialect: str) -> str:
    """The term's own text, with its weight written as the dialect writes weights."""
    if avoid.weight == 1.0:
        return avoid.term
    read = parse(avoid.term, dialect)
    chunks = tuple(
        chunk if chunk.kind == "break" else Chunk(chunk.text, chunk.weight * avoid.weight, chunk.span)
        for chunk in read.chunks
    )
    return write(Prompt(chunks, dialect, read.source))


def _why_not(
    request: Request, negative: str | None, terms: Sequence[Term], rule: Ruling, facts: ModelFacts
) -> str | None:
    if negative is None:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term in terms):
        return "every term weighs 0"
    if inert := rule.why_inert(facts.name):
        return inert
    if rule.cancels and negative == request.prompt and len(_stages(request)) == 1:
        return "it says the same as the prompt, so the two cancel"
    return None


def _planned(term: Term, facts: ModelFacts, told: str) -> PlannedTerm:
    words = content_words(term.avoid.term)
    unknown = _unknown(words, facts)
    return PlannedTerm(
        avoid=term.avoid,
        span=term.span,
        told=told,
        tokens=_tokens(term.avoid.term, facts),
        known=None if unknown is None or not words else not unknown,
        unknown=unknown or (),
    )


def _unknown(words: Sequence[str], facts: ModelFacts) -> tuple[str, ...] | None:
    """The words that no encoder of the model has learned; None where nobody knows."""
    if any(encoder.words is None for encoder in facts.encoders):
        return None
    learned = frozenset[str]().union(*(encoder.words or () for encoder in facts.encoders))
    return tuple(
        dict.fromkeys(
            word
            for word in words
            if word not in learned and not all(part in learned for part in word.replace("’", "'").split("-"))
        )
    )


def _tokens(text: str, facts: ModelFacts) -> int:
    """An estimate: a known word is a token, another one a token for every four letters, a sign one each."""
    words = words_of(text)
    signs = sum(1 for sign in text if not sign.isalnum() and not sign.isspace())
    unknown = set(_unknown(words, facts) or ())
    return signs + sum(-(-len(word) // 4) if word in unknown else 1 for word in words)


def _findings(
    request: Request,
    facts: ModelFacts,
    negative: str | None,
    terms: Sequence[PlannedTerm],
    steps: int,
    why_not: str | None,
) -> Iterator[Finding]:
    if negative is not None and why_not is not None:
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    yield from _side_findings(request.prompt, "prompt", request, facts, steps)
    yield from _side_findings(negative or "", "avoid", request, facts, steps)
    yield from _word_findings(request, facts, steps)
    prompts = _prompts(request.prompt, request.dialect, steps)
    in_prompt = words_of(" , ".join(prompt.clean for prompt in prompts))
    for term in terms:
        yield from _term_findings(term, in_prompt)


def _side_findings(
    text: str, side: Side, request: Request, facts: ModelFacts, steps: int
) -> Iterator[Finding]:
    """What the dialect noticed in one text, and whether it outgrows a window."""
    prompts = _prompts(text, request.dialect, steps)
    found = {replace(finding, side=side) for prompt in prompts for finding in prompt.findings}
    yield from sorted(found, key=lambda finding: (finding.span or (0, 0), finding.code))
    longest = max(_tokens(prompt.clean, facts) for prompt in prompts)
    chunk = min(encoder.chunk for encoder in facts.encoders)
    if longest > chunk:
        name = "the prompt" if side == "prompt" else "the negative"
        told = f"{name} takes about {longest} tokens, more than the {chunk} of one window"
        yield Finding("long", f"{told}: it is read in several", side=side, level="note")


def _prompts(text: str, dialect: str, steps: int) -> list[Prompt]:
    """Every prompt that a text holds at some step."""
    return [prompt for strand in unfold(text, steps, dialect) for _, prompt in strand.prompts]


def _word_findings(request: Request, facts: ModelFacts, steps: int) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and words that say no."""
    told = [prompt.clean for prompt in _prompts(request.prompt, request.dialect, steps)]
    for word in dict.fromkeys(word for text in told for word in _unknown(content_words(text), facts) or ()):
        text = f"{word!r} is a word the model has never learned"
        yield Finding("unknown-word", text, _first(word, request.prompt), "prompt")
    pairs = (pair for text in told for pair in pairwise(words_of(text)) if pair[0] in _NEGATIONS)
    for word, following in dict.fromkeys(pairs):
        text = f"{word!r} in a prompt tends to bring what follows; avoid {following!r} instead"
        yield Finding("negation", text, _first(word, request.prompt), "prompt", "note")


def _term_findings(term: PlannedTerm, in_prompt: tuple[str, ...]) -> Iterator[Finding]:
    text, span = term.avoid.term, term.span
    for word in term.unknown:
        yield Finding("unknown-word", f"{word!r} is a word the model has never learned", span, "avoid")
    words = words_of(text)
    if words and words[0] in _NEGATIONS and len(words) > 1:
        told = f"{text!r} is avoided as it stands, which asks for it; write {' '.join(words[1:])!r}"
        yield Finding("negation", told, span, "avoid")
    content = content_words(text)
    if content and any(in_prompt[i : i + len(content)] == content for i in range(len(in_prompt))):
        yield Finding("contradiction", f"{text!r} is also in the prompt", span, "avoid")
    if term.avoid.weight == 0:
        yield Finding("weight", f"{text!r} weighs 0 and does nothing", span, "avoid")
    if term.avoid.weight < 0:
        told = f"{text!r} weighs {term.avoid.weight:g}: avoiding less than nothing asks for it"
        yield Finding("weight", told, span, "avoid")


def _first(word: str, text: str) -> tuple[int, int] | None:
    at = text.lower().find(word)
    return (at, at + len(word)) if at >= 0 else None
