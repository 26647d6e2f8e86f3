"""What is to be avoided: terms out of the user's words, and the plan that tells them to a model."""

from negspace.avoid.plan import Plan, PlannedTerm, Stage, plan
from negspace.avoid.terms import Term, terms_of

__all__ = ["Plan", "PlannedTerm", "Stage", "Term", "plan", "terms_of"]
