"""Policies: what every request of a product must avoid, and what they make of a request."""

from negspace.policy.applicable import Block, PolicyRecord
from negspace.policy.loading import load_policy, parse_policy
from negspace.policy.policy import Policy, PolicyTerm

__all__ = ["Block", "Policy", "PolicyRecord", "PolicyTerm", "load_policy", "parse_policy"]
