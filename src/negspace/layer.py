"""Layer: which of a text model's answers a diffusion model was trained on."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Layer:
    """Which of a text model's answers a diffusion model was trained on.

    Attributes:
        skip: how many of the last layers are left out ("clip skip" n of AUTOMATIC1111 is skip n - 1).
        norm: whether the text model's final layer norm follows ("final") or not ("none").
        pooled: the summary vector: none, the state at the end mark ("eos"), or that projected ("projected").
        padding: "read" has text model and network look at the padding too, "masked" keeps both from it.
        text: "chunks" reads chunks with weights; "source" the text as written, every bracket literal;
            "lowered" the same in lower case, without blanks around it.
        before, after: what stands around every text, marks included, as in a chat; None is the tokenizer's
            own begin and end mark.
        instruction: what the text model reads between `before` and every text and the network is not told. A
            blank at its end is read with the text's first word.
    """

    skip: int = 0
    norm: Literal["final", "none"] = "final"
    pooled: Literal["none", "eos", "projected"] = "none"
    padding: Literal["read", "masked"] = "read"
    text: Literal["chunks", "source", "lowered"] = "chunks"
    before: str | None = None
    after: str | None = None
    instruction: str = ""
