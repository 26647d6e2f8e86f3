"""Policies: what every request of a product must avoid, and what they make of a request."""

from negspace.policy.in_force import Block, PolicyRecord
from negspace.policy.policy import Policy, PolicyTerm, load_policy, parse_policy

__all__ = ["Block", "Policy", "PolicyRecord", "PolicyTerm", "load_policy", "parse_policy"]
