"""What is to be avoided: terms as people write them, found in prompts and merged into one list."""

from negspace.avoid.merging import AvoidList, Entry
from negspace.avoid.terms import Term, terms_of

__all__ = ["AvoidList", "Entry", "Term", "terms_of"]
