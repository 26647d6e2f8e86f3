"""Plan: a request compiled for one model, before anything runs. Pure: needs no weights and no torch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Self

from negspace.avoid import ruling as rules
from negspace.avoid.estimates import length_findings, named_embeddings, tokens, unknown_words
from negspace.avoid.governance import Block, Governed, PolicyRecord, govern
from negspace.avoid.merging import Entry
from negspace.avoid.policy import Policy
from negspace.avoid.routes import route
from negspace.avoid.ruling import Ruling, ruling
from negspace.avoid.templates import offers
from negspace.avoid.terms import Term, content_words, is_plain, terms_of, unfolded, words_of
from negspace.avoid.texts import insist_on, refuse_others, told_apart
from negspace.errors import PolicyError, RequestError
from negspace.facts import EmbeddingFacts, ModelFacts
from negspace.findings import Finding, Side
from negspace.names import no_such
from negspace.prompt import Chunk, Prompt, parse, write
from negspace.prompt.weights import WEIGHTINGS, spell
from negspace.request import Avoid, Moved, Request, Settings
from negspace.words import Words

NOT_AT_ALL = "nothing"
CHECK_ONLY = "check only"
_NEGATIONS = frozenset({"no", "not", "without", "never"})


class PlannedTerm(Words):
    """One avoided term and how the model is told.

    Attributes:
        avoid: the term as asked.
        span: its place in the negative; None where it was given as a term or for another encoder.
        told: by what the model is told: "negative branch", all in one text; "own branch"; "attention"; or
            several of these. Where it cannot be told, "check only" if it is to be looked for in the picture,
            else "nothing".
        tokens: how many tokens it will take, as far as can be told without the tokenizer.
        known: whether every content word is one the encoder has learned; None where nobody knows.
        unknown: the words that are not.
        origins: everyone who asked for it.
    """

    avoid: Avoid
    span: tuple[int, int] | None
    told: str
    tokens: int
    known: bool | None
    unknown: tuple[str, ...]
    origins: tuple[str, ...] = ()


class Stage(Words):
    """What the negative side is told up to a share of the steps.

    Attributes:
        until: share of the steps at which it ends.
        text: None where nothing is told.
    """

    until: float
    text: str | None


class Plan(Settings):
    """A request compiled for one model. Spans of findings and terms are places in `positive` and `negative`;
    where a policy changed these, in what was asked.

    Attributes:
        request: as asked.
        carried: as it is carried out: inline forms read, policies applied.
        positive: the text the positive branch is told.
        negative: the text the negative branch is told, all terms in it; None where there is none.
        stages: what of it is told when; one stage where every term is told all the time.
        moved: what was taken out of the prompt, in the order it stands there.
        terms: every avoided term.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        embeddings: what the text encoders are taught for it.
        findings: what is worth knowing before anything runs.
        negative_dialect: grammar of `negative` and `stages`; that of the request unless terms were merged.
        negative_tokens: how many tokens `negative` takes, about.
        policies: every policy that was asked for, and whether it applies.
        blocks: what keeps the request from being carried out; () where nothing does.
    """

    request: Request
    carried: Request
    positive: str
    negative: str | None
    stages: tuple[Stage, ...]
    moved: tuple[Moved, ...] = ()
    terms: tuple[PlannedTerm, ...]
    acts: bool
    why_not: str | None
    embeddings: tuple[EmbeddingFacts, ...] = ()
    findings: tuple[Finding, ...]
    negative_dialect: str
    negative_tokens: int = 0
    policies: tuple[PolicyRecord, ...] = ()
    blocks: tuple[Block, ...] = ()

    def without_pixels(self) -> Self:
        """The plan whose requests name their pictures and do not carry them."""
        named = {"request": self.request.without_pixels(), "carried": self.carried.without_pixels()}
        return self.model_copy(update=named)

    def negative_at(self, progress: float) -> str | None:
        """What the negative branch is told at a share of the steps in [0, 1)."""
        return next((stage.text for stage in self.stages if progress < stage.until), self.stages[-1].text)


def plan(
    request: Request, facts: ModelFacts, *, policies: Sequence[Policy] = (), tenant: str | None = None
) -> Plan:
    """Compile a request for a model. Nothing is generated.

    Args:
        request: what is asked.
        facts: what the model can be told.
        policies: those of the operator, which apply whatever the request says; its own are added.
        tenant: on whose behalf.

    Raises:
        RequestError: the model cannot host the rule, has no such sampler or size, a weighting is not there,
            an embedding is not for this model, or what is to be avoided cannot be joined.
        PolicyError: a policy is not there or cannot be read.
        PromptError: a text cannot be read, or a term cannot be weighed in this dialect.
    """
    _refuse_impossible(request, facts)
    steps = facts.steps if request.steps is None else request.steps
    told, moved = told_apart(request, steps)
    refuse_others(told, facts)
    insist_on(told, _negative_text(told.avoid, told.dialect), steps)
    governed = govern(
        told,
        facts,
        steps=steps,
        operator=policies,
        tenant=tenant,
        count=lambda text: tokens(text, facts),
    )
    return _compiled(request, told, moved, governed, facts, steps)


def settled(carried: Request, dialect: str, facts: ModelFacts, like: Plan | None = None) -> Plan:
    """The plan of a request that was governed before: exactly this is carried out, and nothing is added to
    it.

    Args:
        carried: as it is carried out, `Plan.carried` of an earlier plan or one made from it.
        dialect: grammar of what it avoids.
        facts: of the model.
        like: the plan it was made from, whose terms it has in the same order; the new plan answers to the
        same
            request, and says of its terms and policies what that one says.

    Raises:
        NegspaceError: as `plan`.
    """
    steps = facts.steps if carried.steps is None else carried.steps
    entries: tuple[Entry, ...] | None = None
    if carried.avoid is not None and not isinstance(carried.avoid, str):
        known = like.terms if like else ()
        entries = tuple(
            Entry(one, known[number].origins if number < len(known) else (one.source,), locked=one.locked)
            for number, one in enumerate(carried.avoid)
        )
    policies, blocks, findings = (like.policies, like.blocks, like.findings) if like else ((), (), ())
    governed = Governed(carried, dialect, entries, policies, blocks, findings)
    made = _compiled(carried, carried, like.moved if like else (), governed, facts, steps)
    if like is None:
        return made
    return made.model_copy(update={"request": like.request, "findings": like.findings})


def _compiled(
    request: Request,
    told: Request,
    moved: tuple[Moved, ...],
    governed: Governed,
    facts: ModelFacts,
    steps: int,
) -> Plan:
    """What is governed, for a model: `told` is the request with its inline forms read."""
    terms = _terms(governed, steps)
    routed = route(governed.request, facts, [term for term, _ in terms])
    governed = replace(governed, request=routed.request)
    carried = governed.request
    rule = ruling(carried, facts)
    stages = _stages(carried, governed.dialect)
    negative = _negative_text(carried.avoid, governed.dialect)
    if any(term.avoid.weight for term, _ in terms):
        rules.refuse_distilled(rule, facts, carried.routes)
    why_not = _why_not(carried, negative, terms, rule, facts, len(stages))
    way = None if why_not else " and ".join(rule.ways)
    planned = tuple(
        _planned(term, facts, governed.dialect, _way(term, routed.wishes) or way, origins)
        for term, origins in terms
    )
    untold = tuple(_untold(planned, why_not))
    return Plan(
        request=request,
        carried=carried,
        positive=carried.prompt,
        negative=negative,
        stages=stages,
        moved=moved,
        terms=planned,
        rule=rule.text,
        scale=rule.scale,
        steps=steps,
        sampler=carried.sampler or facts.sampler,
        width=carried.size[0] or facts.width,
        height=carried.size[1] or facts.height,
        acts=why_not is None,
        why_not=why_not,
        embeddings=tuple(one for one in facts.embeddings if one.file in carried.embeddings),
        findings=(
            *governed.findings,
            *routed.findings,
            *_findings(told, governed, facts, negative, planned, steps, why_not),
            *rules.findings(rule, carried, facts),
            *offers(facts, frozenset(record.name for record in governed.policies)),
            *(Finding("blocked", str(block), side="avoid") for block in untold),
        ),
        negative_dialect=governed.dialect,
        negative_tokens=tokens(negative or "", facts),
        policies=governed.policies,
        blocks=(*governed.blocks, *untold),
    )


def refuse_blocked(planned: Plan) -> None:
    """Stop where a policy keeps the request from being carried out.

    Raises:
        PolicyError: one does.
    """
    if planned.blocks:
        raise PolicyError(str(planned.blocks[0]))


def _untold(terms: Sequence[PlannedTerm], why_not: str | None) -> Iterator[Block]:
    """Locked terms that neither a branch is told nor a check looks for: they cannot be upheld."""
    for term in terms:
        if term.avoid.locked and "@" in term.avoid.source and term.told == NOT_AT_ALL:
            why = f"{term.avoid.term!r} is locked and cannot be told: {why_not}"
            explain = "Give it a check, or use a model that can be told."
            yield Block(term=term.avoid.term, policy=term.avoid.source, why=why, explain=explain)


def _refuse_impossible(request: Request, facts: ModelFacts) -> None:
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    if request.weighting not in WEIGHTINGS:
        raise RequestError(no_such("weighting", request.weighting, WEIGHTINGS))
    _refuse_embeddings(request, facts)
    if request.start is not None:
        request.start.skipped(facts.steps if request.steps is None else request.steps)
    if not facts.sizes and (request.sizes or request.negative_sizes):
        raise RequestError(f"{facts.name} is told no sizes; leave out sizes and negative_sizes")
    if facts.guidance is None and request.guidance is not None:
        raise RequestError(f"{facts.name} is told no guidance in a number; set its scale instead")
    for name, size in zip(("width", "height"), request.size, strict=True):
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


def _terms(governed: Governed, steps: int) -> tuple[tuple[Term, tuple[str, ...]], ...]:
    """What is avoided and who asked for it; after it what only other encoders are told."""
    carried = governed.request
    if governed.entries is None:
        own = terms_of(carried.avoid, governed.dialect, steps)
        known = [(term, (term.avoid.source,)) for term in own]
    else:
        known = [(Term(entry.avoid, entry.span), entry.origins) for entry in governed.entries]
    texts = (text for text in carried.other_avoids if text is not None)
    for term in (term for text in texts for term in terms_of(text, carried.dialect, steps)):
        if all(term.avoid != other.avoid for other, _ in known):
            known.append((Term(term.avoid), (term.avoid.source,)))
    return tuple(known)


def _stages(request: Request, dialect: str) -> tuple[Stage, ...]:
    """What is told when: a text tells its own times by its schedules, terms by their windows."""
    if request.avoid is None or isinstance(request.avoid, str):
        return (Stage(until=1.0, text=request.avoid),)
    edges = sorted({edge for avoid in request.avoid for edge in avoid.window} | {0.0, 1.0})
    stages: list[Stage] = []
    for start, stop in pairwise(edges):
        told = [avoid for avoid in request.avoid if avoid.window[0] <= start < avoid.window[1]]
        stages.append(Stage(until=stop, text=_negative_text(told, dialect) if told else None))
    return tuple(stages)


def _negative_text(avoid: str | Sequence[Avoid] | None, dialect: str) -> str | None:
    if avoid is None or isinstance(avoid, str):
        return avoid
    return ", ".join(_weighed(one, dialect) for one in avoid)


def _weighed(avoid: Avoid, dialect: str) -> str:
    """The term's own text, with its weight written as the dialect writes weights."""
    if avoid.weight == 1.0:
        return avoid.term
    if dialect == "a1111" and is_plain(avoid.term):
        return f"({avoid.term}:{spell(avoid.weight)})"
    read = parse(avoid.term, dialect)
    chunks = tuple(
        chunk if chunk.kind == "break" else Chunk(chunk.text, chunk.weight * avoid.weight, chunk.span)
        for chunk in read.chunks
    )
    return write(Prompt(chunks, dialect, read.source))


def _why_not(
    request: Request,
    negative: str | None,
    terms: Sequence[tuple[Term, tuple[str, ...]]],
    rule: Ruling,
    facts: ModelFacts,
    stages: int,
) -> str | None:
    if negative is None and not terms:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term, _ in terms):
        return "every term weighs 0"
    if inert := rule.why_inert(facts.name):
        return inert
    alike = negative == request.prompt and request.other_avoids == request.other_prompts
    if rule.cancels and alike and stages == 1:
        return "it says the same as the prompt, so the two cancel"
    return None


def _planned(
    term: Term, facts: ModelFacts, dialect: str, way: str | None, origins: tuple[str, ...]
) -> PlannedTerm:
    said = term.avoid.term
    clean = said if is_plain(said) else parse(said, dialect).clean
    unknown = unknown_words(clean, facts)
    return PlannedTerm(
        avoid=term.avoid,
        span=term.span,
        told=way or (NOT_AT_ALL if term.avoid.check == "none" else CHECK_ONLY),
        tokens=tokens(clean, facts),
        known=None if unknown is None or not content_words(clean) else not unknown,
        unknown=unknown or (),
        origins=origins,
    )


def _way(term: Term, wishes: Mapping[tuple[str, ...], str]) -> str | None:
    """The wish that stands for a term; None where none does."""
    wish = wishes.get(words_of(term.avoid.term))
    return None if wish is None else f"the wish {wish!r}"


def _findings(
    request: Request,
    governed: Governed,
    facts: ModelFacts,
    negative: str | None,
    terms: Sequence[PlannedTerm],
    steps: int,
    why_not: str | None,
) -> Iterator[Finding]:
    if why_not is not None and (negative is not None or terms):
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    carried = governed.request
    asked = _prompts(request.prompt, request.dialect, steps)
    yield from _read_findings(asked, "prompt")
    yield from length_findings(asked, "prompt", facts)
    told = _prompts(negative or "", governed.dialect, steps)
    if governed.entries is None:
        yield from _read_findings(told, "avoid")
    elif isinstance(request.avoid, str):  # of which the list was made
        yield from _read_findings(_prompts(request.avoid, request.dialect, steps), "avoid")
    yield from length_findings(told, "avoid", facts)
    prompts = _prompts(carried.prompt, carried.dialect, steps)
    yield from _word_findings(request.prompt, prompts, facts)
    in_prompt = words_of(" , ".join(prompt.clean for prompt in prompts))
    for term in terms:
        yield from _term_findings(term, in_prompt)
    yield from _embedding_findings(carried, negative, facts)


def _read_findings(prompts: Sequence[Prompt], side: Side) -> Iterator[Finding]:
    """What the dialect noticed."""
    found = {replace(finding, side=side) for prompt in prompts for finding in prompt.findings}
    yield from sorted(found, key=lambda finding: (finding.span or (0, 0), finding.code))


def _prompts(text: str, dialect: str, steps: int) -> list[Prompt]:
    """Every prompt that a text holds at some step."""
    return [prompt for strand in unfolded(text, steps, dialect) for _, prompt in strand.prompts]


def _word_findings(asked: str, prompts: Sequence[Prompt], facts: ModelFacts) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and words that say no in a way not understood."""
    told = [prompt.clean for prompt in prompts]
    for word in dict.fromkeys(word for text in told for word in unknown_words(text, facts) or ()):
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


def _embedding_findings(request: Request, negative: str | None, facts: ModelFacts) -> Iterator[Finding]:
    """Embeddings that nothing asks for."""
    if not facts.embeddings:
        return
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
