"""What a text asks of a model that this model does not have: embeddings, and exchanged attention maps."""

import re
from collections.abc import Iterator, Sequence

from negspace.facts import ModelFacts
from negspace.findings import Finding
from negspace.prompt import Prompt, Swap

_EMBEDDING = re.compile(
    r"\bembedding:\s*(?P<name>[^\s,:()\[\]]+?)(?:\.(?:safetensors|pt|bin|ckpt))?(?![^\s,:()\[\]])"
)


def model_findings(text: str, prompts: Sequence[Prompt], facts: ModelFacts) -> Iterator[Finding]:
    """A finding for each embedding and each .swap() of a text that the model cannot carry out.

    Args:
        text: the text as it was written.
        prompts: all that it holds at some step.
        facts: of the model.
    """
    known = {embedding.name.lower() for embedding in facts.embeddings}
    for match in _EMBEDDING.finditer(text) if "embedding:" in text else ():
        if match["name"].lower() not in known:
            message = f"the embedding {match['name']!r} is not loaded and is read as words: use --embedding"
            yield Finding("embedding-not-loaded", message, match.span())
    if not facts.swaps:
        for span in dict.fromkeys(span for prompt in prompts for span in _swaps(prompt)):
            message = f"not carried out: .swap() exchanges attention maps, which {facts.name} cannot do"
            yield Finding("swap", message, span)


def _swaps(prompt: Prompt) -> Iterator[tuple[int, int]]:
    for passage in prompt.passages:
        yield from (piece.span for piece in passage.pieces if isinstance(piece, Swap))
