"""What is to be avoided: terms, the policies behind them, and the plan that tells them to a model."""

from negspace.avoid.governance import Block, PolicyRecord
from negspace.avoid.merging import AvoidList, Entry
from negspace.avoid.plan import Plan, PlannedTerm, Stage, plan
from negspace.avoid.policy import Policy, PolicyTerm, load_policy, parse_policy
from negspace.avoid.terms import Term, terms_of

__all__ = [
    "AvoidList",
    "Block",
    "Entry",
    "Plan",
    "PlannedTerm",
    "Policy",
    "PolicyRecord",
    "PolicyTerm",
    "Stage",
    "Term",
    "load_policy",
    "parse_policy",
    "plan",
    "terms_of",
]
