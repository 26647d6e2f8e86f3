"""The plan of a command line, made without weights."""

from dataclasses import replace
from typing import TYPE_CHECKING

from negspace.request import Request

if TYPE_CHECKING:
    from negspace.avoid.plan import Plan


def planned(request: Request) -> "Plan":
    """The request compiled for its model.

    Raises:
        NegspaceError: the request is impossible for the model, or one of its files cannot be read.
    """
    from negspace.avoid.plan import plan
    from negspace.models.folder import EMBEDDED, read_facts

    facts = read_facts(request.model or EMBEDDED)
    if request.embeddings:
        from negspace.encoding import load_embeddings  # torch: a second that other plans do not take

        taught = tuple(embedding.facts for embedding in load_embeddings(request.embeddings))
        facts = replace(facts, embeddings=taught)
    return plan(request, facts)
