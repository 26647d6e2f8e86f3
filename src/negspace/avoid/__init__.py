"""What is to be avoided: terms, the policies behind them, and the plan that tells them to a model."""

from negspace.avoid.feedback import Change, Proposal, Revision, from_thumbs, propose, revise
from negspace.avoid.governed import Block, PolicyRecord
from negspace.avoid.history import History
from negspace.avoid.merging import AvoidList, Entry
from negspace.avoid.plan import Plan, PlannedTerm, Stage, plan
from negspace.avoid.policy import Policy, PolicyTerm, load_policy, parse_policy
from negspace.avoid.terms import Term, terms_of

__all__ = [
    "AvoidList",
    "Block",
    "Change",
    "Entry",
    "History",
    "Plan",
    "PlannedTerm",
    "Policy",
    "PolicyRecord",
    "PolicyTerm",
    "Proposal",
    "Revision",
    "Stage",
    "Term",
    "from_thumbs",
    "load_policy",
    "parse_policy",
    "plan",
    "propose",
    "revise",
    "terms_of",
]
