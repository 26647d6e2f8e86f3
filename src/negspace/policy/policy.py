"""Policy: what every request of a product must avoid, as a YAML file that people can read and sign off.

    name: no-hats
    version: 2
    explain: Our snowmen wear nothing on their heads.
    locked: true
    avoid:
      - term: hat
        weight: 1.2
        check: block
        also: [cap, beanie]

A policy is data, checked on reading: an unknown key, a wrong value or a key said twice is refused with its
line. `extends` names policies whose terms come first; a policy may say one of those again to change it, but
not weaken one that is locked.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from negspace.avoid.matching import phrase
from negspace.errors import PolicyError, no_such
from negspace.policy import yaml_lines as sheets
from negspace.policy.compiled import CompiledPolicy
from negspace.request import CHECKS, Check, Unchecked

LIBRARY = resources.files("negspace.policy") / "library"
_MOST_CHARACTERS = 1_000_000
_MOST_BASES = 32

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Plain = Annotated[str, Field(min_length=1, max_length=120)]


class _Sheet(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PolicyTerm(_Sheet):
    """One thing that a policy avoids.

    Attributes:
        term: plain words, one thing; brackets and other syntax are letters here.
        weight: how strongly, 1 is plain.
        window: the share of the steps during which it is told.
        check: what happens when it is seen in the picture all the same.
        unchecked: where the check is "block" and no judge at hand knows it: "refuse" keeps the request from
            being carried out, "deliver" delivers with a finding; None takes the policy's.
        unless: words of a prompt that lift it.
        also: other words for the same thing; a prompt that asks for one of them asks for the term.
        locked: whether a request may drop, outweigh or negate it; None takes the policy's.
        reason: why, for people.
        origin: "name@version" of the policy that says so; filled in on reading.
    """

    term: Plain
    weight: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0
    window: tuple[Share, Share] = (0.0, 1.0)
    check: Check = "none"
    unchecked: Unchecked | None = None
    unless: tuple[Plain, ...] = ()
    also: tuple[Plain, ...] = ()
    locked: bool | None = None
    reason: str = ""
    origin: str = ""

    @field_validator("term", "also", "unless")
    @classmethod
    def _says_one_thing(cls, said: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (said,) if isinstance(said, str) else said:
            if re.search(r"[,;\n]", text):
                raise ValueError(f"{text!r} says several things; give each a term of its own")
            if not phrase(text):
                raise ValueError(f"{text!r} has no word in it")
        return said

    @model_validator(mode="after")
    def _window_has_a_length(self) -> "PolicyTerm":
        if not self.window[0] < self.window[1]:
            raise ValueError("the window must start before it stops")
        return self

    @property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        """What it is called, for comparison."""
        return tuple(phrase(text) for text in (self.term, *self.also))


class AppliesTo(_Sheet):
    """Whom a policy concerns; an empty list is everyone.

    Attributes:
        families: of models, such as "sd" or "sdxl".
        checkpoints: names of models, with * and ? as in file names.
        tenants: of a service.
    """

    families: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()

    def why_not(self, family: str, checkpoint: str, tenant: str | None) -> str | None:
        """Why it does not concern this model and tenant; None where it does."""
        if self.families and family not in self.families:
            return f"it is for the families {', '.join(self.families)}, not {family}"
        name = checkpoint.casefold()
        if self.checkpoints and not any(fnmatchcase(name, one.casefold()) for one in self.checkpoints):
            return f"it is for the checkpoints {', '.join(self.checkpoints)}, not {checkpoint}"
        if self.tenants and tenant not in self.tenants:
            return f"it is for other tenants than {tenant!r}"
        return None


class Recommends(_Sheet):
    """What the makers of a checkpoint recommend beside a list, told to whoever uses it and never set.

    Attributes:
        scale, steps, sampler, guidance: as in a request.
    """

    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    sampler: str | None = None
    guidance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None

    def __str__(self) -> str:
        known = ((name, getattr(self, name)) for name in type(self).model_fields)
        return ", ".join(f"{name} {_spelt(value)}" for name, value in known if value is not None)


def _spelt(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class Policy(_Sheet):
    """A policy with everything it extends.

    Attributes:
        name: lower case, by which requests ask for it.
        version: raised with every change.
        explain: what it does, told to people whose request it changes.
        source: where the list comes from.
        extends: policies whose terms it takes over.
        applies_to: whom it concerns.
        locked: whether its terms are, where they do not say so themselves.
        unchecked: what happens to a block that no judge at hand can look for, for its own terms that do not
            say so themselves and for all that it takes over; None refuses, and leaves those as they are.
        least_scale: the least guidance scale while one of its locked terms is in force; None is the model's
            own default.
        avoid: the terms, those of `extends` first.
        require: words that every prompt gets.
        recommends: for a template of a checkpoint, how its makers use it.
    """

    name: Name
    version: Annotated[int, Field(ge=1)]
    explain: Annotated[str, Field(min_length=1)]
    source: str = ""
    extends: tuple[str, ...] = ()
    applies_to: AppliesTo = AppliesTo()
    locked: bool = False
    unchecked: Unchecked | None = None
    least_scale: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] | None = None
    avoid: tuple[PolicyTerm, ...] = ()
    require: tuple[Plain, ...] = ()
    recommends: Recommends | None = None

    @field_validator("avoid", mode="before")
    @classmethod
    def _terms_may_be_words(cls, said: object) -> object:
        if isinstance(said, list | tuple):
            return [{"term": one} if isinstance(one, str) else one for one in said]
        return said

    @property
    def label(self) -> str:
        """name@version."""
        return f"{self.name}@{self.version}"

    @property
    def fingerprint(self) -> str:
        """sha256 over all it says, what it extends included."""
        silent = {"recommends"} if self.recommends is None else None
        return hashlib.sha256(self.model_dump_json(exclude=silent).encode()).hexdigest()

    @cached_property
    def enacted(self) -> CompiledPolicy:
        """The policy made ready for requests, of which it governs many."""
        return CompiledPolicy(self)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed. What was made ready is not taken along."""
        copied = super().model_copy(update=update, deep=deep)
        vars(copied).pop("enacted", None)
        return copied


def is_label(source: str) -> bool:
    """Whether a source is a policy's: name@version."""
    return re.fullmatch(r"[^\s@]+@\d+", source) is not None


def names() -> tuple[str, ...]:
    """The policies that ship with Negspace, in alphabetical order."""
    files = (place.name for place in LIBRARY.iterdir())
    return tuple(sorted(file.removesuffix(".yaml") for file in files if file.endswith(".yaml")))


def load_policy(path_or_name: str | Path) -> Policy:
    """A policy with all it extends.

    Args:
        path_or_name: the name of a shipped policy, or the path of a YAML file, which ends in .yaml or .yml.

    Raises:
        PolicyError: there is none, or it cannot be read; the line says where.
    """
    return _load(str(path_or_name), None, ())


def parse_policy(text: str, place: str = "policy") -> Policy:
    """A policy out of YAML text; what it extends is looked up in the library.

    Args:
        text: the YAML.
        place: what errors call it.

    Raises:
        PolicyError: it cannot be read.
    """
    return _with_bases(_read(text, place), place, None, ())


def is_file(path_or_name: str) -> bool:
    """Whether this names a file and not a shipped policy."""
    return path_or_name.endswith((".yaml", ".yml"))


def _load(name: str, folder: Path | None, above: tuple[str, ...]) -> Policy:
    if is_file(name):
        place = (folder or Path()) / name
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"the policy {place} cannot be read: {_reason(error)}") from None
        shown, inside = str(place), place.parent
    else:
        if name not in names():
            hint = "; a file is told by its ending .yaml"
            raise PolicyError(no_such("policy", name, names()) + hint)
        text, shown, inside = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8"), name, None
    if shown in above:
        raise PolicyError(f"{shown}: extends goes in a circle: {' -> '.join((*above, shown))}")
    if len(above) >= _MOST_BASES:
        raise PolicyError(f"{above[0]}: more than {_MOST_BASES} policies extend each other")
    return _with_bases(_read(text, shown), shown, inside, (*above, shown))


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"


@lru_cache(maxsize=256)
def _read(text: str, place: str) -> Policy:
    """One file by itself. What was read once is known by its text, so that a plan takes no time for it."""
    if len(text) > _MOST_CHARACTERS:
        raise PolicyError(f"{place}: longer than {_MOST_CHARACTERS:,} characters")
    sheet = sheets.read(text, place)
    try:
        policy = Policy.model_validate(sheet.value)
    except ValidationError as error:
        raise PolicyError(_told(error, sheet, place)) from None
    for number, term in enumerate(policy.avoid):
        if term.origin:
            line = sheet.line("avoid", number, "origin")
            raise PolicyError(f"{place}, line {line}: origin is filled in on reading; take it out")
    return policy


def _told(error: ValidationError, sheet: sheets.YamlDocument, place: str) -> str:
    """The first thing wrong, with its line."""
    first = error.errors(include_url=False, include_context=False)[0]
    path: Sequence[Any] = first["loc"]
    where = ".".join(str(part) for part in path)
    at = f"{place}, line {sheet.line(*path)}"
    if first["type"] == "extra_forbidden":
        owner = PolicyTerm if path[:1] == ("avoid",) else AppliesTo if len(path) > 1 else Policy
        known = [name for name in owner.model_fields if name != "origin"]
        return f"{at}: {no_such('key', where.rpartition('.')[2], known)}"
    if first["type"] == "missing":
        return f"{at}: {where!r} is missing"
    message = first["msg"].removeprefix("Value error, ")
    return f"{at}: {where}: {message}" if where else f"{at}: {message}"


def _with_bases(policy: Policy, place: str, folder: Path | None, above: tuple[str, ...]) -> Policy:
    """The policy with the terms and words of what it extends in front of its own."""
    terms: dict[tuple[str, ...], PolicyTerm] = {}
    require: list[str] = []
    scales = [policy.least_scale]
    for name in policy.extends:
        base = _load(name, folder, above)
        require += base.require
        scales.append(base.least_scale)
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
            "least_scale": max((scale for scale in scales if scale is not None), default=None),
        }
    )


def _taken_over(term: PolicyTerm, policy: Policy) -> PolicyTerm:
    """A term of a policy that this one extends. Whether its block may go unchecked depends on the judges at
    hand, so that who extends a policy may say it anew, and answers for it.
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
        or not set(base.also) <= set(own.also)
        or not own.locked
    )
    if base.locked and weaker:
        raise PolicyError(f"{place}: {own.term!r} is locked by {base.origin} and may not be weakened")
