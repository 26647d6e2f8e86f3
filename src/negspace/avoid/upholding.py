"""Upholding: the prompt without what locked terms keep out of it, and with the words that it must have."""

from collections.abc import Iterable, Iterator, Sequence

from negspace.avoid.enacted import Article, Articles, wishes_for
from negspace.avoid.force import InForce
from negspace.avoid.governed import Block
from negspace.avoid.matching import Index, phrase
from negspace.avoid.policy import Policy, PolicyTerm
from negspace.avoid.wishes import cut_mentions, mentions, readings
from negspace.findings import Finding
from negspace.prompt import Chunk, Prompt, parse, write

_SYNTAX = frozenset("()[]{}\\:|<>\"'+-\n")


def upheld(
    prompt: str, dialect: str, steps: int, terms: InForce
) -> tuple[str, tuple[Block, ...], tuple[Finding, ...]]:
    """The prompt without wishes for locked terms, or what blocks it."""
    if not terms.locked or not _asked(terms.forbidden(), readings(prompt, dialect, steps)):
        return prompt, (), ()
    index = wishes_for(terms.locked)
    asked = _asked((index,), readings(prompt, dialect, steps))
    findings = list(_disguised(index, prompt))
    rest = cut_mentions(index, prompt)
    left = _asked((index,), readings(rest, dialect, steps))
    blocked = [one.term for one in asked if one.term.check == "block" or one in left]
    if blocked:
        hidden = {id(one.term) for one in left}
        blocks = tuple(_block(term, terms, _asks(term, id(term) in hidden)) for term in blocked)
        findings += (Finding("blocked", f"{one.policy}: {one.why}", side="prompt") for one in blocks)
        return prompt, blocks, tuple(findings)
    for one in asked:
        told = f"the wish for {one.term.term!r} is taken out of the prompt: {one.term.origin} locks it"
        findings.append(Finding("conflict", told, side="prompt"))
    return rest, (), tuple(findings)


def _asked(indices: Iterable[Articles], texts: Sequence[str]) -> list[Article]:
    """What the texts ask for, each once, in the order of asking."""
    found = (mention for index in indices for mention in mentions(index, texts, strict=True))
    return list(dict.fromkeys(one for mention in found for one in mention.what))


def _asks(term: PolicyTerm, hidden: bool) -> str:
    told = f"the prompt asks for {term.term!r}, which is locked"
    return f"{told}, in a way that cannot be taken out of it" if hidden and term.check != "block" else told


def _block(term: PolicyTerm, terms: InForce, why: str) -> Block:
    return Block(term=term.term, policy=term.origin, why=why, explain=terms.explain(term.origin))


def _disguised(index: Articles, prompt: str) -> Iterator[Finding]:
    for mention in index.mentions(prompt, strict=True):
        if mention.disguised:
            said = prompt[mention.start : mention.stop]
            told = f"{said!r} is read as {mention.what[0].term.term!r}"
            yield Finding("disguised", told, (mention.start, mention.stop), "prompt")


def required(prompt: str, policies: Sequence[Policy], dialect: str) -> tuple[str, list[Finding]]:
    """The prompt with the words that policies require; before it where it has syntax that could take them."""
    findings: list[Finding] = []
    known = Index((phrase(word), word) for policy in policies for word in policy.require)
    there = {mention.what for mention in known.mentions(prompt)}
    wanted = [word for word in known.known.values() if word not in there]
    if not wanted:
        return prompt, findings
    read = parse(prompt, dialect)
    if read.structure is not None:
        told = f"the words {', '.join(wanted)} cannot be added to a prompt of compel's functions"
        return prompt, [Finding("required", told, side="prompt")]
    added = write(Prompt((Chunk(", ".join(wanted), 1.0),), dialect, ", ".join(wanted)))
    findings.append(
        Finding("required", f"a policy adds {added!r} to the prompt", side="prompt", level="note")
    )
    if not prompt.strip():
        return added, findings
    plain = _SYNTAX.isdisjoint(prompt) and "AND" not in prompt and "BREAK" not in prompt
    return (f"{prompt}, {added}" if plain else f"{added}, {prompt}"), findings
