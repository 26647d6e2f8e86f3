"""What every request of a product must avoid, written as a YAML file that people can read and approve.

    name: no-hats
    version: 2
    explain: Our snowmen wear nothing on their heads.
    locked: true
    avoid:
      - term: hat
        weight: 1.2
        check: block
        also: [cap, beanie]

`negspace.policy.loading` reads such files. What a policy means for requests is worked out once, as its
`CompiledPolicy`, since a policy is read once and applied to many requests.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Self, final

from pydantic import AfterValidator, Field, field_validator, model_validator

from negspace.avoid.matching import Index, Phrase, has_words, key_of, phrase
from negspace.avoid.merging import Claim, Rank
from negspace.avoid.morphology import forms
from negspace.avoid.terms import as_text
from negspace.errors import RequestError
from negspace.guidance.text import make
from negspace.policy.values import AppliesTo, Plain, PolicyValue, Recommends, WantedTerm
from negspace.request import Avoid, Check, Unchecked

UnitShare = Annotated[float, Field(ge=0.0, le=1.0)]
PolicyName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]


def _checked_rule(text: str) -> str:
    try:
        make(text)
    except RequestError as error:
        raise ValueError(str(error)) from None
    return text


RuleText = Annotated[str, AfterValidator(_checked_rule)]
"""A guidance rule as text."""


class PolicyTerm(PolicyValue):
    """One thing that a policy avoids.

    Attributes:
        term: plain words for one thing; brackets and other syntax are literal characters here.
        weight: how strongly it is avoided; 1 is plain.
        window: the share of the steps during which it is in the negative.
        check: what happens when it is seen in the picture all the same.
        unchecked: where the check is "block" and no available judge knows the term: "refuse" keeps the
            request from being carried out, "deliver" delivers with a finding; None takes the policy's.
        unless: words of a prompt that lift the term.
        also: other words for the same thing; a prompt that asks for one of them asks for the term.
        translated: the same in other languages, by their codes, such as "de" or "zh".
        locked: True where no request may drop, outweigh or negate it; None takes the policy's.
        reason: why it is avoided, for people.
        origin: "name@version" of the policy that has the term; filled in on reading.
    """

    term: Plain
    weight: Annotated[float, Field(gt=0.0, le=2.0)] = 1.0
    window: tuple[UnitShare, UnitShare] = (0.0, 1.0)
    check: Check = "none"
    unchecked: Unchecked | None = None
    unless: tuple[Plain, ...] = ()
    also: tuple[Plain, ...] = ()
    translated: Mapping[Language, tuple[Plain, ...]] = {}
    locked: bool | None = None
    reason: str = ""
    origin: str = ""

    @field_validator("translated")
    @classmethod
    def _translations_say_one_thing(
        cls, given: Mapping[str, tuple[str, ...]]
    ) -> Mapping[str, tuple[str, ...]]:
        for texts in given.values():
            cls._says_one_thing(texts)
        return given

    @field_validator("term", "also", "unless")
    @classmethod
    def _says_one_thing(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (given,) if isinstance(given, str) else given:
            if re.search(r"[,;\n]", text):
                raise ValueError(f"{text!r} says several things; give each a term of its own")
            if not has_words(text):
                raise ValueError(f"{text!r} has no word in it")
        return given

    @model_validator(mode="after")
    def _window_has_a_length(self) -> "PolicyTerm":
        if not self.window[0] < self.window[1]:
            raise ValueError("the window must start before it stops")
        return self

    @property
    def phrases(self) -> tuple[tuple[str, ...], ...]:
        """Everything it is called, in the form in which phrases are compared, with the inflected forms of the
        last word of each.
        """
        translated = (text for texts in self.translated.values() for text in texts)
        called = [phrase(text) for text in (self.term, *self.also)]
        inflected = ((*words[:-1], key_of(form)) for words in called for form in sorted(forms(words[-1])))
        return tuple(dict.fromkeys((*called, *inflected, *map(phrase, translated))))


_LATER_KEYS = ("recommends", "rule", "stronger", "wanted")
"""Keys that fingerprints leave out where they say nothing: older policies keep theirs."""


class Policy(PolicyValue):
    """A policy with everything it extends.

    Attributes:
        name: lower case; requests ask for the policy by it.
        version: raised with every change.
        explain: what it does, for people whose request it changes.
        source: where the list comes from.
        extends: policies whose terms it takes over.
        applies_to: the models and tenants it is for.
        locked: whether its terms are locked where they do not say so themselves.
        unchecked: what happens to a block that no available judge can look for. It holds for the policy's
            own terms that do not say so themselves, and for all terms taken over. None refuses for the
            former and leaves the latter as they are.
        rule: the guidance rule while one of its locked terms is active; None is the model's own. A request
            may have another one that is at least as strong.
        stronger: rules for further attempts at a picture that a check did not pass, from the second one on.
        least_scale: the least guidance scale while one of its locked terms is active; None is the model's
            own default.
        avoid: the terms, those of `extends` first.
        require: words that every prompt gets.
        wanted: what must be seen in every picture.
        recommends: for a template of a checkpoint, how its makers use it.
    """

    name: PolicyName
    version: Annotated[int, Field(ge=1)]
    explain: Annotated[str, Field(min_length=1)]
    source: str = ""
    extends: tuple[str, ...] = ()
    applies_to: AppliesTo = AppliesTo()
    locked: bool = False
    unchecked: Unchecked | None = None
    rule: RuleText | None = None
    stronger: tuple[RuleText, ...] = ()
    least_scale: Annotated[float, Field(gt=1.0, allow_inf_nan=False)] | None = None
    avoid: tuple[PolicyTerm, ...] = ()
    require: tuple[Plain, ...] = ()
    wanted: tuple[WantedTerm, ...] = ()
    recommends: Recommends | None = None

    @field_validator("avoid", "wanted", mode="before")
    @classmethod
    def _terms_may_be_words(cls, given: object) -> object:
        if isinstance(given, list | tuple):
            return [{"term": term} if isinstance(term, str) else term for term in given]
        return given

    @property
    def label(self) -> str:
        """name@version."""
        return f"{self.name}@{self.version}"

    @property
    def fingerprint(self) -> str:
        """sha256 of its content, including what it extends."""
        content = self.model_dump(mode="json", exclude={key for key in _LATER_KEYS if not getattr(self, key)})
        for term in content["avoid"]:
            if not term["translated"]:
                del term["translated"]
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def summary(self) -> dict[str, Any]:
        """Version, explanation, numbers of terms and fingerprint, as JSON can hold them."""
        return {
            "version": self.version,
            "explain": self.explain,
            "terms": len(self.avoid),
            "locked": sum(bool(term.locked) for term in self.avoid),
            "fingerprint": self.fingerprint,
        }

    @cached_property
    def compiled(self) -> "CompiledPolicy":
        """What it means for requests."""
        return CompiledPolicy(self)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields changed, which is compiled anew."""
        copied = super().model_copy(update=update, deep=deep)
        vars(copied).pop("compiled", None)
        return copied


@dataclass(frozen=True, eq=False)
class CompiledTerm:
    """One term of a policy.

    Attributes:
        policy_term: the term as the policy has it.
        claim: what it claims, in the window that the policy gives.
    """

    policy_term: PolicyTerm
    claim: Claim

    def __str__(self) -> str:
        return f"{self.policy_term.term!r} of {self.policy_term.origin}"

    @property
    def locked(self) -> bool:
        """Whether the policy locks it."""
        return self.claim.rank is Rank.LOCKED


TermIndex = Index[tuple[CompiledTerm, ...]]
"""Finds phrases that concern terms of policies; several terms may share a phrase."""


@final
class CompiledPolicy:
    """What a policy means for requests.

    Attributes:
        terms: its terms, in order.
        fingerprint: of the policy.
        exceptions: finds phrases of a prompt that lift terms.
        free_phrases: finds phrases of a prompt that ask for terms which are not locked.
        locked_phrases: finds phrases of a prompt that ask for locked terms.
    """

    def __init__(self, policy: Policy) -> None:
        self.terms = tuple(map(_compiled_term, policy.avoid))
        self.fingerprint = policy.fingerprint
        self.exceptions = _index(
            (phrase(words), term) for term in self.terms for words in term.policy_term.unless
        )
        self.free_phrases = phrase_index(term for term in self.terms if not term.locked)
        self.locked_phrases = phrase_index(term for term in self.terms if term.locked)


def phrase_index(terms: Iterable[CompiledTerm]) -> TermIndex:
    """Finds phrases that ask for any of the terms."""
    return _index((words, term) for term in terms for words in term.policy_term.phrases)


def _index(pairs: Iterable[tuple[Phrase, CompiledTerm]]) -> TermIndex:
    terms: dict[Phrase, tuple[CompiledTerm, ...]] = {}
    for words, term in pairs:
        terms[words] = (*terms.get(words, ()), term)
    return Index(terms.items())


def _compiled_term(term: PolicyTerm) -> CompiledTerm:
    avoid = Avoid(
        term=as_text(term.term),
        weight=term.weight,
        window=term.window,
        source=term.origin,
        locked=bool(term.locked),
        check=term.check,
        unchecked=term.unchecked or "refuse",
    )
    return CompiledTerm(term, Claim.of(avoid, Rank.LOCKED if term.locked else Rank.POLICY))


def is_label(source: str) -> bool:
    """Whether a source is a policy's: name@version."""
    return re.fullmatch(r"[^\s@]+@\d+", source) is not None


def is_locked_by_policy(avoid: Avoid) -> bool:
    """Whether a policy locks a term; one that a request itself calls locked is not meant."""
    return avoid.locked and is_label(avoid.source)
