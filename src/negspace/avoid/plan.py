"""Plan: a request compiled for one model, before anything runs. Pure: needs no weights and no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from negspace.avoid import ruling as rules
from negspace.avoid.estimates import length_findings, named_embeddings, tokens, unknown_words
from negspace.avoid.ruling import Ruling, ruling
from negspace.avoid.terms import Term, content_words, terms_of, words_of
from negspace.avoid.texts import insist_on, refuse_others, told_apart
from negspace.errors import RequestError
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.findings import Finding, Side
from negspace.names import no_such
from negspace.prompt import Chunk, Prompt, parse, unfold, write
from negspace.prompt.weights import WEIGHTINGS
from negspace.request import Avoid, Moved, Request, Settings, Words

NOT_AT_ALL = "nothing"
_NEGATIONS = frozenset({"no", "not", "without", "never"})


class PlannedTerm(Words):
    """One avoided term and how the model is told.

    Attributes:
        avoid: the term as asked.
        span: its place in the negative; None where it was given as a term or for another encoder.
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


class Plan(Settings):
    """A request compiled for one model. Spans of findings and terms are places in `positive` and `negative`.

    Attributes:
        request: as asked.
        positive: the text the positive branch is told.
        negative: the text the negative branch is told, all terms in it; None where there is none.
        stages: what of it is told when; one stage where every term is told all the time.
        moved: what was taken out of the prompt, in the order it stands there.
        terms: every avoided term.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        embeddings: what the text encoders are taught for it.
        findings: what is worth knowing before anything runs.
    """

    request: Request
    positive: str
    negative: str | None
    stages: tuple[Stage, ...]
    moved: tuple[Moved, ...] = ()
    terms: tuple[PlannedTerm, ...]
    acts: bool
    why_not: str | None
    embeddings: tuple[EmbeddingFacts, ...] = ()
    findings: tuple[Finding, ...]

    def negative_at(self, progress: float) -> str | None:
        """What the negative branch is told at a share of the steps in [0, 1)."""
        return next((stage.text for stage in self.stages if progress < stage.until), self.stages[-1].text)


def plan(request: Request, facts: ModelFacts) -> Plan:
    """Compile a request for a model. Nothing is generated.

    Raises:
        RequestError: the model cannot host the rule, has no such sampler or size, a policy or weighting is
            not there, an embedding is not for this model, or what is to be avoided cannot be joined.
        PromptError: a text cannot be read, or a term cannot be weighed in this dialect.
    """
    _refuse_impossible(request, facts)
    rule = ruling(request, facts)
    steps = facts.steps if request.steps is None else request.steps
    told, moved = told_apart(request, steps)
    refuse_others(told, facts)
    terms = _terms(told, steps)
    stages = _stages(told)
    negative = _negative_text(told, told.avoid)
    insist_on(told, negative, steps)
    if any(term.avoid.weight for term in terms):
        rules.refuse_distilled(rule, facts)
    why_not = _why_not(told, negative, terms, rule, facts)
    way = NOT_AT_ALL if why_not else " and ".join(rule.ways)
    planned = tuple(_planned(term, facts, told.dialect, way) for term in terms)
    return Plan(
        request=request,
        positive=told.prompt,
        negative=negative,
        stages=stages,
        moved=moved,
        terms=planned,
        rule=rule.text,
        scale=rule.scale,
        steps=steps,
        sampler=request.sampler or facts.sampler,
        width=request.width or facts.width,
        height=request.height or facts.height,
        acts=why_not is None,
        why_not=why_not,
        embeddings=facts.embeddings,
        findings=(
            *_findings(told, facts, negative, planned, steps, why_not),
            *rules.findings(rule, request, facts),
        ),
    )


def _refuse_impossible(request: Request, facts: ModelFacts) -> None:
    if request.policies:
        raise RequestError(f"there is no policy {request.policies[0]!r}")
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    if request.weighting not in WEIGHTINGS:
        raise RequestError(no_such("weighting", request.weighting, WEIGHTINGS))
    _refuse_embeddings(request, facts)
    for name, size in (("width", request.width), ("height", request.height)):
        if size is not None and size % facts.multiple:
            raise RequestError(
                f"{name} {size} is not a multiple of {facts.multiple}, as {facts.name} needs; "
                f"{max(round(size / facts.multiple), 1) * facts.multiple} is"
            )


def _refuse_embeddings(request: Request, facts: ModelFacts) -> None:
    """Embeddings that the facts do not tell of, or that were made for another model."""
    known = {one.file: one for one in facts.embeddings}
    widths = tuple(encoder.width for encoder in facts.encoders if encoder.kind == "clip")
    for file in request.embeddings:
        if file not in known:
            raise RequestError(
                f"embedding {file!r} was not read; plan with the model, or with facts that know it"
            )
        made_for = known[file].widths
        if None not in widths and made_for != widths:
            name, own = known[file].name, " and ".join(map(str, widths))
            told = " and ".join(map(str, made_for))
            raise RequestError(
                f"embedding {name!r} has vectors of {told}, but {facts.name} reads vectors of {own}: it was "
                "made for another model"
            )


def _terms(request: Request, steps: int) -> tuple[Term, ...]:
    """What `avoid` says, and after it what only other encoders are told."""
    own = terms_of(request.avoid, request.dialect, steps)
    texts = (text for text in request.other_avoids if text is not None)
    known = list(own)
    for term in (term for text in texts for term in terms_of(text, request.dialect, steps)):
        if all(term.avoid != other.avoid for other in known):
            known.append(Term(term.avoid))
    return tuple(known)


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
    if negative is None and not terms:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term in terms):
        return "every term weighs 0"
    if inert := rule.why_inert(facts.name):
        return inert
    alike = negative == request.prompt and request.other_avoids == request.other_prompts
    if rule.cancels and alike and len(_stages(request)) == 1:
        return "it says the same as the prompt, so the two cancel"
    return None


def _planned(term: Term, facts: ModelFacts, dialect: str, told: str) -> PlannedTerm:
    clean = parse(term.avoid.term, dialect).clean
    words = content_words(clean)
    unknown = unknown_words(clean, facts)
    return PlannedTerm(
        avoid=term.avoid,
        span=term.span,
        told=told,
        tokens=tokens(clean, facts),
        known=None if unknown is None or not words else not unknown,
        unknown=unknown or (),
    )


def _findings(
    request: Request,
    facts: ModelFacts,
    negative: str | None,
    terms: Sequence[PlannedTerm],
    steps: int,
    why_not: str | None,
) -> Iterator[Finding]:
    if why_not is not None and (negative is not None or terms):
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    yield from _side_findings(request.prompt, "prompt", request, facts, steps)
    yield from _side_findings(negative or "", "avoid", request, facts, steps)
    yield from _word_findings(request, facts, steps)
    prompts = _prompts(request.prompt, request.dialect, steps)
    in_prompt = words_of(" , ".join(prompt.clean for prompt in prompts))
    for term in terms:
        yield from _term_findings(term, in_prompt)
    yield from _embedding_findings(request, negative, facts)


def _side_findings(
    text: str, side: Side, request: Request, facts: ModelFacts, steps: int
) -> Iterator[Finding]:
    """What the dialect noticed in one text, and whether it outgrows a window."""
    prompts = _prompts(text, request.dialect, steps)
    found = {replace(finding, side=side) for prompt in prompts for finding in prompt.findings}
    yield from sorted(found, key=lambda finding: (finding.span or (0, 0), finding.code))
    yield from length_findings(prompts, side, facts)


def _prompts(text: str, dialect: str, steps: int) -> list[Prompt]:
    """Every prompt that a text holds at some step."""
    return [prompt for strand in unfold(text, steps, dialect) for _, prompt in strand.prompts]


def _word_findings(request: Request, facts: ModelFacts, steps: int) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and words that say no."""
    told = [prompt.clean for prompt in _prompts(request.prompt, request.dialect, steps)]
    for word in dict.fromkeys(word for text in told for word in unknown_words(text, facts) or ()):
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


def _embedding_findings(request: Request, negative: str | None, facts: ModelFacts) -> Iterator[Finding]:
    """Embeddings that nothing asks for."""
    others = (text or "" for text in (*request.other_prompts, *request.other_avoids))
    texts = (parse(text, request.dialect).clean for text in (request.prompt, negative or "", *others))
    named = named_embeddings(" , ".join(texts), facts)
    for one in facts.embeddings:
        if one.name.lower() not in named:
            text = f"the embedding {one.name!r} is given and named in no text, so it does nothing"
            yield Finding("embedding-not-named", text)


def _first(word: str, text: str) -> tuple[int, int] | None:
    at = text.lower().find(word)
    return (at, at + len(word)) if at >= 0 else None
