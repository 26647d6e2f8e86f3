"""Plan: a request compiled for one model, before anything runs. Pure: needs no weights and no torch."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from negspace.avoid.governance import Block, Governed, PolicyRecord, govern
from negspace.avoid.policy import Policy
from negspace.avoid.terms import Term, content_words, is_plain, terms_of, unfolded, words_of
from negspace.errors import PolicyError, RequestError
from negspace.facts import EncoderFacts, ModelFacts
from negspace.findings import Finding, Side
from negspace.names import no_such
from negspace.prompt import Chunk, Prompt, parse, write
from negspace.prompt.weights import spell
from negspace.request import Avoid, Request, Words

BRANCH = "negative branch"
NOT_AT_ALL = "nothing"
CHECK_ONLY = "check only"
_NOT_LETTERS = re.compile(r"[^a-zA-Z0-9 ]")
_NEGATIONS = frozenset({"no", "not", "without", "never"})


class PlannedTerm(Words):
    """One avoided term and how the model is told.

    Attributes:
        avoid: the term as asked.
        span: its place in the avoid text; None where it was given as a term.
        told: by what the model is told: "negative branch"; where it cannot be told, "check only" if it is
            to be looked for in the picture, else "nothing".
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


class Plan(Words):
    """A request compiled for one model.

    Attributes:
        request: as asked.
        positive: the text the positive branch is told.
        negative: the text the negative branch is told, all terms in it; None where there is none.
        stages: what of it is told when; one stage where every term is told all the time.
        terms: every avoided term.
        rule, scale, steps, sampler, width, height: the request's, or the model's defaults.
        acts: whether the negative can change the picture.
        why_not: if not, why, in plain words.
        findings: what is worth knowing before anything runs.
        negative_dialect: grammar of `negative` and `stages`; that of the request unless terms were merged.
        negative_tokens: how many tokens `negative` takes, about.
        policies: every policy that was asked for, and whether it applies.
        blocks: what keeps the request from being carried out; () where nothing does.
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
    negative_dialect: str = "a1111"
    negative_tokens: int = 0
    policies: tuple[PolicyRecord, ...] = ()
    blocks: tuple[Block, ...] = ()

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
        RequestError: the model has no such rule, sampler or size.
        PolicyError: a policy is not there or cannot be read.
        PromptError: a text cannot be read, or a term cannot be weighed in this dialect.
    """
    _refuse_impossible(request, facts)
    steps = facts.steps if request.steps is None else request.steps
    governed = govern(
        request,
        facts,
        steps=steps,
        operator=policies,
        tenant=tenant,
        count=lambda text: _tokens(text, facts),
    )
    carried = governed.request
    scale = facts.scale if carried.scale is None else carried.scale
    terms = _terms(governed, steps)
    stages = _stages(carried, governed.dialect)
    negative = _negative_text(carried.avoid, governed.dialect)
    why_not = _why_not(carried, negative, terms, scale, facts, len(stages))
    origins = [entry.origins for entry in governed.entries or ()] or [(one.avoid.source,) for one in terms]
    planned = tuple(
        _planned(term, facts, why_not is None, asked) for term, asked in zip(terms, origins, strict=True)
    )
    findings = (*governed.findings, *_findings(request, governed, facts, negative, planned, steps, why_not))
    untold = tuple(_untold(planned, why_not))
    return Plan(
        request=request,
        positive=carried.prompt,
        negative=negative,
        stages=stages,
        terms=planned,
        rule=carried.rule or facts.rule,
        scale=scale,
        steps=steps,
        sampler=carried.sampler or facts.sampler,
        width=carried.width or facts.width,
        height=carried.height or facts.height,
        acts=why_not is None,
        why_not=why_not,
        findings=(*findings, *(Finding("blocked", str(block), side="avoid") for block in untold)),
        negative_dialect=governed.dialect,
        negative_tokens=_tokens(negative or "", facts),
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


def _terms(governed: Governed, steps: int) -> tuple[Term, ...]:
    if governed.entries is None:
        return terms_of(governed.request.avoid, governed.dialect, steps)
    return tuple(Term(entry.avoid, entry.span) for entry in governed.entries)


def _untold(terms: Sequence[PlannedTerm], why_not: str | None) -> Iterator[Block]:
    """Locked terms that neither a branch is told nor a check looks for: they cannot be upheld."""
    for term in terms:
        if term.avoid.locked and "@" in term.avoid.source and term.told == NOT_AT_ALL:
            why = f"{term.avoid.term!r} is locked and cannot be told: {why_not}"
            explain = "Give it a check, or use a model that can be told."
            yield Block(term=term.avoid.term, policy=term.avoid.source, why=why, explain=explain)


def _refuse_impossible(request: Request, facts: ModelFacts) -> None:
    if request.rule is not None and request.rule not in facts.rules:
        raise RequestError(no_such(f"rule that {facts.name} can host", request.rule, facts.rules))
    if request.sampler is not None and request.sampler not in facts.samplers:
        raise RequestError(no_such("sampler", request.sampler, facts.samplers))
    for name, size in (("width", request.width), ("height", request.height)):
        if size is not None and size % facts.multiple:
            raise RequestError(
                f"{name} {size} is not a multiple of {facts.multiple}, as {facts.name} needs; "
                f"{max(round(size / facts.multiple), 1) * facts.multiple} is"
            )


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
    terms: Sequence[Term],
    scale: float,
    facts: ModelFacts,
    stages: int,
) -> str | None:
    if negative is None:
        return "nothing was asked to be avoided"
    if not terms:
        return "the negative is empty"
    if all(term.avoid.weight == 0 for term in terms):
        return "every term weighs 0"
    if not facts.negative_branch:
        return f"{facts.name} has no negative branch"
    if scale == 1.0:
        return "the scale is 1, where only the prompt is evaluated"
    if negative == request.prompt and stages == 1:
        return "it says the same as the prompt, so the two cancel"
    return None


def _planned(term: Term, facts: ModelFacts, acts: bool, origins: tuple[str, ...]) -> PlannedTerm:
    words = content_words(term.avoid.term)
    unknown = _unknown(words, facts)
    return PlannedTerm(
        avoid=term.avoid,
        span=term.span,
        told=BRANCH if acts else NOT_AT_ALL if term.avoid.check == "none" else CHECK_ONLY,
        tokens=_tokens(term.avoid.term, facts),
        known=None if unknown is None or not words else not unknown,
        unknown=unknown or (),
        origins=origins,
    )


def _unknown(words: tuple[str, ...], facts: ModelFacts) -> tuple[str, ...] | None:
    """The words that no encoder of the model has learned; None where nobody knows."""
    return _unlearned(words, facts.encoders)


@lru_cache(maxsize=8192)
def _unlearned(words: tuple[str, ...], encoders: tuple[EncoderFacts, ...]) -> tuple[str, ...] | None:
    if any(encoder.words is None for encoder in encoders):
        return None
    learned = _learned(encoders)
    return tuple(
        dict.fromkeys(
            word
            for word in words
            if word not in learned and not all(part in learned for part in word.replace("’", "'").split("-"))
        )
    )


@lru_cache(maxsize=16)
def _learned(encoders: tuple[EncoderFacts, ...]) -> frozenset[str]:
    return frozenset[str]().union(*(encoder.words or () for encoder in encoders))


def _tokens(text: str, facts: ModelFacts) -> int:
    """An estimate: a known word is a token, another one a token for every four letters, a sign one each."""
    return _counted(text, facts.encoders)


@lru_cache(maxsize=8192)
def _counted(text: str, encoders: tuple[EncoderFacts, ...]) -> int:
    words = words_of(text)
    signs = sum(not sign.isalnum() and not sign.isspace() for sign in _NOT_LETTERS.findall(text))
    unknown = frozenset(_unlearned(words, encoders) or ())
    return signs + sum(-(-len(word) // 4) if word in unknown else 1 for word in words)


def _findings(
    request: Request,
    governed: Governed,
    facts: ModelFacts,
    negative: str | None,
    terms: Sequence[PlannedTerm],
    steps: int,
    why_not: str | None,
) -> Iterator[Finding]:
    if negative is not None and why_not is not None:
        level = "note" if not terms else "warning"
        yield Finding("inert", f"the negative can do nothing: {why_not}", side="avoid", level=level)
    if negative is not None and facts.distilled and why_not is None:
        text = (
            f"{facts.name} has its guidance distilled into the weights: a negative branch damages the picture"
        )
        yield Finding("distilled", text, side="avoid")
    yield from _side_findings(request.prompt, "prompt", request.dialect, facts, steps)
    if governed.entries is None:
        yield from _side_findings(negative or "", "avoid", governed.dialect, facts, steps)
    else:
        yield from _own_findings(request, steps)
        yield from _long(_tokens(negative or "", facts), "avoid", facts)
    yield from _word_findings(request, governed.request.prompt, facts, steps)
    prompts = _prompts(governed.request.prompt, request.dialect, steps)
    in_prompt = words_of(" , ".join(prompt.clean for prompt in prompts))
    for term in terms:
        yield from _term_findings(term, in_prompt)


def _side_findings(text: str, side: Side, dialect: str, facts: ModelFacts, steps: int) -> Iterator[Finding]:
    """What the dialect noticed in one text, and whether it outgrows a window."""
    prompts = _prompts(text, dialect, steps)
    yield from _read_findings(prompts, side)
    yield from _long(max(_tokens(prompt.clean, facts) for prompt in prompts), side, facts)


def _own_findings(request: Request, steps: int) -> Iterator[Finding]:
    """What the dialect noticed in the user's own avoid text, of which a list was made."""
    if isinstance(request.avoid, str):
        yield from _read_findings(_prompts(request.avoid, request.dialect, steps), "avoid")


def _read_findings(prompts: Sequence[Prompt], side: Side) -> Iterator[Finding]:
    found = {replace(finding, side=side) for prompt in prompts for finding in prompt.findings}
    yield from sorted(found, key=lambda finding: (finding.span or (0, 0), finding.code))


def _long(tokens: int, side: Side, facts: ModelFacts) -> Iterator[Finding]:
    chunk = min(encoder.chunk for encoder in facts.encoders)
    if tokens > chunk:
        name = "the prompt" if side == "prompt" else "the negative"
        told = f"{name} takes about {tokens} tokens, more than the {chunk} of one window"
        yield Finding("long", f"{told}: it is read in several", side=side, level="note")


def _prompts(text: str, dialect: str, steps: int) -> list[Prompt]:
    """Every prompt that a text holds at some step."""
    return [prompt for strand in unfolded(text, steps, dialect) for _, prompt in strand.prompts]


def _word_findings(request: Request, prompt: str, facts: ModelFacts, steps: int) -> Iterator[Finding]:
    """Words of the prompt that the model has never learned, and words that say no in a way not understood."""
    told = [prompt.clean for prompt in _prompts(prompt, request.dialect, steps)]
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
    if words and words[0] in _NEGATIONS and len(words) > 1:  # one that could not be understood
        told = f"{text!r} is avoided as it stands, which asks for it; write {' '.join(words[1:])!r}"
        yield Finding("negation", told, span, "avoid")
    content = content_words(text)
    if (
        content
        and content[0] in in_prompt
        and any(in_prompt[i : i + len(content)] == content for i in range(len(in_prompt)))
    ):
        yield Finding("contradiction", f"{text!r} is also in the prompt", span, "avoid")
    if term.avoid.weight == 0:
        yield Finding("weight", f"{text!r} weighs 0 and does nothing", span, "avoid")
    if term.avoid.weight < 0:
        told = f"{text!r} weighs {term.avoid.weight:g}: avoiding less than nothing asks for it"
        yield Finding("weight", told, span, "avoid")


def _stands_in(words: tuple[str, ...], text: tuple[str, ...]) -> bool:
    return words[0] in text and any(text[i : i + len(words)] == words for i in range(len(text)))


def _first(word: str, text: str) -> tuple[int, int] | None:
    at = text.lower().find(word)
    return (at, at + len(word)) if at >= 0 else None
