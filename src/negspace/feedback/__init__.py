"""Feedback: what people say about a picture becomes what the next one avoids."""

from negspace.feedback.answer import answer_of
from negspace.feedback.history import History
from negspace.feedback.revision import Change, Revision, revise
from negspace.feedback.statements import Statement
from negspace.feedback.thumbs import Proposal, from_thumbs, propose

__all__ = [
    "Change",
    "History",
    "Proposal",
    "Revision",
    "Statement",
    "answer_of",
    "from_thumbs",
    "propose",
    "revise",
]
