"""What policies change in a prompt: it must not ask for locked terms, and it gets the words they require."""

from collections.abc import Iterable, Iterator, Sequence

from negspace.avoid.matching import Index, phrase
from negspace.avoid.positive import all_readings, without_mentions
from negspace.findings import Finding
from negspace.policy.applicable import ActiveTerms, Block
from negspace.policy.policy import CompiledTerm, Policy, TermIndex, phrase_index
from negspace.prompt import Chunk, Prompt, parse, write

_SYNTAX = frozenset("()[]{}\\:|<>\"'+-\n")


def without_locked_terms(
    prompt: str, dialect: str, steps: int, terms: ActiveTerms
) -> tuple[str, tuple[Block, ...], tuple[Finding, ...]]:
    """The prompt with nothing in it that asks for locked terms, or what blocks the request."""
    if not terms.locked or not _requested(terms.locked_indices(), all_readings(prompt, dialect, steps)):
        return prompt, (), ()
    index = phrase_index(terms.locked)
    requested = _requested((index,), all_readings(prompt, dialect, steps))
    findings = list(_disguise_findings(index, prompt))
    rest = without_mentions(prompt, index)
    left = _requested((index,), all_readings(rest, dialect, steps))
    blocks = tuple(
        _block(term, terms, term in left)
        for term in requested
        if term.policy_term.check == "block" or term in left
    )
    if blocks:
        findings += (Finding("blocked", f"{block.policy}: {block.why}", side="prompt") for block in blocks)
        return prompt, blocks, tuple(findings)
    for term in requested:
        name, origin = term.policy_term.term, term.policy_term.origin
        text = f"the wish for {name!r} is taken out of the prompt: {origin} locks it"
        findings.append(Finding("conflict", text, side="prompt"))
    return rest, (), tuple(findings)


def _requested(indices: Iterable[TermIndex], texts: Sequence[str]) -> list[CompiledTerm]:
    """The terms that the texts ask for, in disguise or not, each once, in order."""
    mentions = (
        mention for index in indices for text in texts for mention in index.mentions_in_disguise(text)
    )
    return list(dict.fromkeys(term for mention in mentions for term in mention.what))


def _block(term: CompiledTerm, terms: ActiveTerms, inseparable: bool) -> Block:
    """Why a prompt with a locked term is blocked: its check says so, or it cannot be cut out."""
    name, origin = term.policy_term.term, term.policy_term.origin
    why = f"the prompt asks for {name!r}, which is locked"
    if inseparable and term.policy_term.check != "block":
        why += ", in a way that cannot be taken out of it"
    return Block(term=name, policy=origin, why=why, explain=terms.explanation(origin))


def _disguise_findings(index: TermIndex, prompt: str) -> Iterator[Finding]:
    for mention in index.mentions_in_disguise(prompt):
        if mention.disguised:
            written = prompt[mention.start : mention.stop]
            text = f"{written!r} is read as {mention.what[0].policy_term.term!r}"
            yield Finding("disguised", text, (mention.start, mention.stop), "prompt")


def with_required_words(
    prompt: str, policies: Sequence[Policy], dialect: str
) -> tuple[str, tuple[Finding, ...]]:
    """The prompt with the words that policies require: behind it, or before it where its syntax could take
    them in.
    """
    index = Index((phrase(word), word) for policy in policies for word in policy.require)
    there = {mention.what for mention in index.mentions(prompt)}
    missing = ", ".join(word for word in index.values.values() if word not in there)
    if not missing:
        return prompt, ()
    if parse(prompt, dialect).structure is not None:
        text = f"the words {missing} cannot be added to a prompt of compel's functions"
        return prompt, (Finding("required", text, side="prompt"),)
    added = write(Prompt((Chunk(missing, 1.0),), dialect, missing))
    findings = (Finding("required", f"a policy adds {added!r} to the prompt", side="prompt", level="note"),)
    if not prompt.strip():
        return added, findings
    plain = _SYNTAX.isdisjoint(prompt) and "AND" not in prompt and "BREAK" not in prompt
    return (f"{prompt}, {added}" if plain else f"{added}, {prompt}"), findings
