"""Feedback: what people say about a picture becomes what the next one avoids."""

from negspace.feedback.history import History
from negspace.feedback.revision import Change, Proposal, Revision, from_thumbs, propose, revise

__all__ = ["Change", "History", "Proposal", "Revision", "from_thumbs", "propose", "revise"]
