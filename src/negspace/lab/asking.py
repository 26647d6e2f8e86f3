"""From a prompt and a list to a question: what is tried, against what, and how many pictures it may take."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from negspace.avoid.terms import content_words
from negspace.errors import LabError
from negspace.facts import ModelFacts
from negspace.generate import Model
from negspace.lab.arms import ablation
from negspace.lab.question import Other, Question
from negspace.lab.study import Study
from negspace.lab.vectors import Measured, effective_scale, measured
from negspace.lab.verdicts import ProofSizes
from negspace.lab.witness import Witness
from negspace.request import Avoid, Request

PICTURES: Final = 4
"""Pictures whose vectors are measured."""

_NOTHING: Final = "there is nothing to be made"
_EVERYDAY: Final = (
    "teapot zebra guitar ladder umbrella bicycle spoon cactus lantern kite piano anchor".split()
)
"""What a control may name where nobody knows which words the encoder has learned."""


def question_of(
    model: Model,
    witness: Witness,
    prompts: tuple[str, ...],
    avoid: str | Sequence[Avoid],
    most: ProofSizes | int | None,
    alpha: float,
    smallest: float,
    fields: dict[str, Any],
) -> Question:
    """The question; its strength is not measured yet.

    Args:
        most: the sizes, or how many pictures they may take at most; None takes the default ones.

    Raises:
        LabError, NegspaceError: as `Proof`.
    """
    if not prompts:
        raise LabError("prompts: there is none; give at least one")
    told = avoid if isinstance(avoid, str) else tuple(avoid)
    written = model.plan(Request.from_dict({"prompt": prompts[0], "avoid": told, **fields}))
    if not written.terms:
        raise LabError("avoid: nothing is avoided; name what is not wanted, with commas")
    if written.request.n != 1:
        raise LabError("n: a proof decides itself how many pictures it makes; see max_pictures")
    terms = tuple(one.avoid for one in written.terms)
    base = written.request.model_copy(update={"avoid": terms})
    facts = model.facts
    words = _free_words(facts, witness, (*prompts, *(one.term for one in terms)))
    arms = ablation(terms, unrelated=words[base.seed % len(words)], words=words, seed=base.seed)
    planned = model.plan(base)
    question = Question(
        prompts, base, planned, arms, _others(facts, base), _NOTHING, ProofSizes(), alpha, smallest
    )
    sizes = most if isinstance(most, ProofSizes) else _sizes(question, witness, most)
    return replace(
        question,
        others=question.others if sizes.tried else (),
        sizes=sizes,
    )


def _free_words(facts: ModelFacts, witness: Witness, texts: Sequence[str]) -> tuple[str, ...]:
    """Words that have nothing to do with some texts: known to the encoder, where that is known."""
    said = {word for text in texts for word in content_words(text)}
    named = {thing for text in texts for thing in witness.named(text)}
    known = sorted(facts.encoders[0].words or _EVERYDAY)
    return tuple(
        word for word in known if word not in said and len(word) > 2 and not named & set(witness.named(word))
    )


def _others(facts: ModelFacts, base: Request) -> tuple[Other, ...]:
    """Scales, times and rules that are worth trying for this model."""
    scale = facts.scale if base.scale is None else base.scale
    found = [
        Other(f"scale {scale * factor:.3g}", scale=round(scale * factor, 2)) for factor in (2 / 3, 3 / 2)
    ]
    found.append(Other("the list told in the first 60 % of the steps only", window=(0.0, 0.6)))
    found += [
        Other(f"rule {rule}", rule=rule)
        for rule in ("dual", "perp_neg")
        if rule in facts.rules and (base.rule or facts.rule) != rule
    ]
    return tuple(found)


def measured_of(model: Model, question: Question) -> list[Measured]:
    """A few pictures of the whole list, with everything that they were made of."""
    if not question.tested:
        return []
    whole = question.arms.arm("whole")
    return measured(model, [question.shot(whole, seed).request for seed in range(PICTURES)])


def strength_of(pictures: Sequence[Measured]) -> float | str:
    """The scale of plain guidance that is as strong as the whole list, or why it cannot be known."""
    try:
        return round(effective_scale(pictures), 2)
    except LabError as error:
        return str(error)


def _sizes(question: Question, witness: Witness, max_pictures: int | None) -> ProofSizes:
    """The largest sizes that need at most so many pictures."""
    if max_pictures is None:
        return ProofSizes()
    least = 0
    for pairs in range(480, 0, -8):
        part = max(8, pairs // 5)
        for tried in (part, 0):
            sizes = ProofSizes(
                pairs=pairs,
                least=min(24, pairs),
                side=min(part, pairs),
                fresh=max(8, pairs // 3),
                tried=tried,
            )
            sized = replace(question, others=question.others if tried else (), sizes=sizes)
            least = Study(sized, witness).most
            if least <= max_pictures:
                return sizes
    raise LabError(
        f"max_pictures: {max_pictures} are too few for {len(question.terms)} terms; {least} is the least"
    )
