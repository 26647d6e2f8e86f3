"""Reads policies: YAML files, the shipped library, what they extend, and templates for checkpoints.

A policy is checked on reading: an unknown key, a wrong value or a duplicate key is refused with its line.
The terms of the policies under `extends` come first. A policy may define one of them again to change it, but
it may not weaken a locked one.
"""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from negspace.avoid.matching import Phrase, phrase
from negspace.errors import PolicyError, no_such
from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.policy.policy import Policy, PolicyTerm
from negspace.policy.values import AppliesTo, Recommends, WantedTerm
from negspace.policy.yaml_lines import YamlDocument, read_yaml
from negspace.request import CHECKS

_LIBRARY = resources.files("negspace.policy") / "library"
_MOST_CHARACTERS = 1_000_000
_MOST_BASES = 32


def shipped_names() -> tuple[str, ...]:
    """The names of the policies that ship with Negspace, in alphabetical order."""
    files = (file.name for file in _LIBRARY.iterdir())
    return tuple(sorted(file.removesuffix(".yaml") for file in files if file.endswith(".yaml")))


def load_policy(path_or_name: str | Path) -> Policy:
    """A policy with everything it extends.

    Args:
        path_or_name: the name of a shipped policy, or the path of a YAML file, which ends in .yaml or .yml.

    Raises:
        PolicyError: there is no such policy, or it cannot be read; the message names the line.
    """
    return _load(str(path_or_name), None, ())


def parse_policy(text: str, place: str = "policy") -> Policy:
    """A policy from YAML text; what it extends is looked up in the library.

    Args:
        text: the YAML.
        place: what error messages call it.

    Raises:
        PolicyError: it cannot be read.
    """
    return _with_bases(_read(text, place), place, None, ())


def _load(name: str, folder: Path | None, above: tuple[str, ...]) -> Policy:
    """A policy by name or path.

    Args:
        folder: where relative paths begin; None is the current folder.
        above: the policies that led here by `extends`, outermost first.
    """
    if name.endswith((".yaml", ".yml")):
        file = (folder or Path()) / name
        text, place, folder = _file_text(file), str(file), file.parent
    else:
        if name not in shipped_names():
            hint = "; the name of a file ends in .yaml"
            raise PolicyError(no_such("policy", name, shipped_names()) + hint)
        text, place, folder = (_LIBRARY / f"{name}.yaml").read_text(encoding="utf-8"), name, None
    if place in above:
        raise PolicyError(f"{place}: extends goes in a circle: {' -> '.join((*above, place))}")
    if len(above) >= _MOST_BASES:
        raise PolicyError(f"{above[0]}: more than {_MOST_BASES} policies extend each other")
    policy = _read(text, place)
    own = policy if folder is not None else _translated(policy)
    return _with_bases(own, place, folder, (*above, place))


@cache
def _translations() -> dict[str, dict[str, tuple[str, ...]]]:
    """Words of other languages for terms of shipped policies, by term and language."""
    text = (resources.files("negspace.policy") / "translations.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # ten times as fast


def _translated(policy: Policy) -> Policy:
    """A shipped policy with the words of other languages for its terms."""
    terms = (
        PolicyTerm.model_validate(term.model_dump() | {"translated": _translations().get(term.term, {})})
        for term in policy.avoid
    )
    return policy.model_copy(update={"avoid": tuple(terms)})


def _file_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(f"the policy {file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise PolicyError(f"the policy {file} cannot be read: it is not UTF-8 text") from None


@lru_cache(maxsize=256)
def _read(text: str, place: str) -> Policy:
    """One file by itself. Cached by its text, so that repeated plans do not read it again."""
    if len(text) > _MOST_CHARACTERS:
        raise PolicyError(f"{place}: longer than {_MOST_CHARACTERS:,} characters")
    document = read_yaml(text, place)
    try:
        policy = Policy.model_validate(document.value)
    except ValidationError as error:
        raise PolicyError(_first_mistake(error, document, place)) from None
    for number, term in enumerate(policy.avoid):
        if term.origin:
            line = document.line("avoid", number, "origin")
            raise PolicyError(f"{place}, line {line}: origin is filled in on reading; take it out")
    return policy


def _first_mistake(error: ValidationError, document: YamlDocument, place: str) -> str:
    """The first mistake, with its line."""
    first = error.errors(include_url=False, include_context=False)[0]
    path: Sequence[Any] = first["loc"]
    where = ".".join(str(part) for part in path)
    at = f"{place}, line {document.line(*path)}"
    if first["type"] == "extra_forbidden":
        owner = _OWNERS[path[0]] if len(path) > 1 else Policy
        known = [name for name in owner.model_fields if name != "origin"]
        return f"{at}: {no_such('key', where.rpartition('.')[2], known)}"
    if first["type"] == "missing":
        return f"{at}: {where!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{at}: {where}: {message}" if where else f"{at}: {message}"


_OWNERS: dict[int | str, type[BaseModel]] = {
    "avoid": PolicyTerm,
    "wanted": WantedTerm,
    "applies_to": AppliesTo,
    "recommends": Recommends,
}


def _with_bases(policy: Policy, place: str, folder: Path | None, above: tuple[str, ...]) -> Policy:
    """The policy with the terms and words of what it extends in front of its own."""
    terms: dict[Phrase, PolicyTerm] = {}
    require: list[str] = []
    scales = [policy.least_scale]
    rule, stronger = policy.rule, policy.stronger
    wanted: dict[Phrase, WantedTerm] = {}
    for name in policy.extends:
        base = _load(name, folder, above)
        require += base.require
        scales.append(base.least_scale)
        rule, stronger = rule or base.rule, stronger or base.stronger
        wanted |= {phrase(thing.term): thing for thing in base.wanted}
        for term in base.avoid:
            terms.setdefault(phrase(term.term), _taken_over(term, policy))
    for term in policy.avoid:
        key = phrase(term.term)
        own = term.model_copy(
            update={
                "locked": policy.locked if term.locked is None else term.locked,
                "unchecked": term.unchecked or policy.unchecked or "refuse",
                "origin": policy.label,
            }
        )
        if key in terms:
            _refuse_weakening(terms[key], own, place)
        terms[key] = own
    return policy.model_copy(
        update={
            "avoid": tuple(terms.values()),
            "require": tuple(dict.fromkeys((*require, *policy.require))),
            "wanted": tuple((wanted | {phrase(thing.term): thing for thing in policy.wanted}).values()),
            "rule": rule,
            "stronger": stronger,
            "least_scale": max((scale for scale in scales if scale is not None), default=None),
        }
    )


def _taken_over(term: PolicyTerm, policy: Policy) -> PolicyTerm:
    """A term of a policy that this one extends.

    Whether its block may go unchecked depends on the available judges, so the policy that extends may decide
    that anew, and the term then names it as its origin.
    """
    if policy.unchecked in (None, term.unchecked) or term.check != "block":
        return term
    return term.model_copy(update={"unchecked": policy.unchecked, "origin": policy.label})


def _refuse_weakening(base: PolicyTerm, own: PolicyTerm, place: str) -> None:
    weaker = (
        own.weight < base.weight
        or own.window[0] > base.window[0]
        or own.window[1] < base.window[1]
        or CHECKS.index(own.check) < CHECKS.index(base.check)
        or not set(own.unless) <= set(base.unless)
        or not set(base.phrases) <= set(own.phrases)
        or not own.locked
    )
    if base.locked and weaker:
        raise PolicyError(f"{place}: {own.term!r} is locked by {base.origin} and may not be weakened")


@cache
def templates() -> tuple[Policy, ...]:
    """The shipped policies that are made for certain checkpoints, each as its own file has it."""
    texts = ((name, (_LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")) for name in shipped_names())
    policies = (_read(text, name) for name, text in texts)
    return tuple(policy for policy in policies if policy.recommends is not None)


def template_findings(facts: ModelFacts, applied: frozenset[str]) -> Iterator[Finding]:
    """Offers every template for this checkpoint that is not applied already.

    Args:
        facts: of the model.
        applied: names of the policies that are applied.
    """
    for policy in templates():
        if policy.name in applied or policy.applies_to.why_not(facts.family, facts.name, None) is not None:
            continue
        count = len(load_policy(policy.name).avoid)
        content = f"{count} terms, for which ask by policy {policy.name}" if count else "no terms"
        text = f"{policy.label} is a template for this checkpoint: {policy.recommends}; {content}"
        yield Finding("template", text, level="note")
