"""What a proof cannot say of a term, and what it would take to say it."""

from negspace.lab.question import Question
from negspace.lab.results import TermKind
from negspace.lab.stats import pairs_for_trial, pairs_to_exclude
from negspace.lab.trial import Trial
from negspace.lab.witness import Witness

_STEP = 8  # `--max-pictures` gives numbers of pairs in such steps
_NOTHING = 4  # a thing that is rarer than this part of `smallest` counts as never there


def sight_needed(witness: Witness, term: str, kind: TermKind) -> str:
    """What it takes to see what a term names; "" where it can be seen, or where the term helps anyway."""
    if kind == "helps":
        return ""
    named = witness.named(term)
    if not named:
        return f"a judge that can see {term!r}"
    unproven = [thing for thing in named if not witness.proven(thing)]
    if not unproven:
        return ""
    return f"a judge that examples show to see {', '.join(unproven)} (negspace judge calibrate)"


def pictures_of_nothing(question: Question) -> int:
    """Pictures without a thing that show it to be so rare that a negative has nothing to remove."""
    return pairs_to_exclude(question.smallest / _NOTHING)


def pairs_needed(question: Question, trial: Trial, without: list[bool]) -> str:
    """What it takes to find an effect of a term, or to rule it out; "" where the trial did.

    A negative that removes a thing can make no more difference than how often the thing is there without it.
    If that is less than `smallest`, the trial stops before such an effect could be found.

    Args:
        trial: that did not show an effect.
        without: whether the thing is there, for each picture without a negative; [] if it was not judged by
            itself.
    """
    often = sum(without) / len(without) if without else question.smallest
    worth = min(often, question.smallest) or question.smallest
    decided = max(2 * min(trial.helped, trial.harmed) / trial.pairs, worth)
    alpha = question.alpha / len(question.tested)  # the first effect of a list needs as much (e-BH)
    pairs = pairs_for_trial((decided + worth) / 2, (decided - worth) / 2, alpha=alpha)
    if not trial.futile:
        pairs = max(pairs, 2 * trial.pairs)
    elif often >= question.smallest and pairs <= question.sizes.pairs:
        return ""
    if often == 0:
        nothing = pictures_of_nothing(question)
        if trial.futile and len(without) >= nothing:
            return ""
        pairs = max(pairs, nothing)
    pairs += -pairs % _STEP
    pictures = f"about {pairs:,} pairs for each term, {question.most_with(pairs):,} pictures in all"
    return f"{pictures}, with --smallest {worth / 2:.2g}" if worth < question.smallest else pictures
