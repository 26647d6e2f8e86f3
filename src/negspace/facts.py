"""What is known of a model without its weights. A plan is made from these values alone."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Prediction = Literal["epsilon", "v_prediction", "flow"]
Absent = Literal["empty", "zeros", "none"]


@dataclass(frozen=True)
class PublishedWeighting:
    """How weights of words change a conditioning, as a program does it.

    Attributes:
        program: the program.
        least: the weight from which on it is done exactly so. Below it words act in that program as they do
            above, or more, by what the rest of the encoding says of them.
    """

    program: str
    least: float


PUBLISHED_WEIGHTINGS = {
    "a1111": PublishedWeighting("AUTOMATIC1111", 0.9),
    "lerp": PublishedWeighting("ComfyUI", 0.9),
    "compel": PublishedWeighting("compel", 0.3),
    "product": PublishedWeighting("sd_embed", 0.9),
}
"""By name; `negspace.encoding.weighting` defines each."""


@dataclass(frozen=True)
class EncoderFacts:
    """One text encoder of a model.

    Attributes:
        name: its folder in the model, for example "text_encoder".
        window: how many tokens the encoder reads at once, begin and end tokens included.
        chunk: how many tokens of the prompt fit in one window.
        words: the words the encoder has learned, in lower case; None where they are not known.
        kind: "clip" reads windows of tokens, "llm" reads running text.
        width: length of the vector of a token; None where it is not known.
    """

    name: str = "text_encoder"
    window: int = 77
    chunk: int = 75
    words: frozenset[str] | None = None
    kind: Literal["clip", "llm"] = "clip"
    width: int | None = None


@dataclass(frozen=True)
class EmbeddingFacts:
    """A textual-inversion embedding: a word that a file adds to the vocabulary of text encoders.

    Attributes:
        name: the word.
        vectors: how many tokens it takes in a text.
        widths: length of its vectors, one for each text encoder it was made for.
        file: its file, as the request names it.
        sha256: of the file, in hex.
    """

    name: str
    vectors: int
    widths: tuple[int, ...]
    file: str
    sha256: str


@dataclass(frozen=True)
class ModelFacts:
    """What a model is and what it supports.

    Attributes:
        name: the name of the model in receipts.
        family: the architecture, for example "sd".
        prediction: what the network predicts.
        encoders: the text encoders, in the order in which the model reads them.
        negative_branch: whether a negative can have a branch of its own (classifier-free guidance).
        distilled: whether guidance was distilled into the weights, so that a negative branch does harm.
        absent: what stands for an absent negative: the encoded empty prompt, zeros, or no branch at all.
        swaps: whether it can exchange attention maps, which compel's `.swap()` needs.
        rules: names of the guidance rules it can host, attention-space rules among them; in `RULES`.
        samplers: names of the samplers it can be run with.
        multiple: width and height must be multiples of this many pixels.
        width, height: default size in pixels.
        steps, scale, sampler, rule: defaults for a request that leaves them open.
        embeddings: textual-inversion embeddings that were added to the vocabulary of its encoders.
        trained_pixels: the fewest and the most pixels of the pictures that it was trained on; None is 0.7 to
            1.6 times those of the default size.
        trained_aspect: the longer side of these over the shorter one, at most.
        few_steps: how it is distilled to a few steps, as is declared of it; "" where nothing is.
        named_few_steps: whether nothing but its name says that it is distilled to a few steps; it is run as
            if it were not.
        scheduler: the class of the scheduler that it comes with, where that is not run and `sampler` stands
            for it; "" where it is.
        loras: names of the LoRA files that requests may add; None where no folder of them is given.
        sizes: whether it is conditioned on sizes in pixels.
        guidance: default of the guidance value that it is conditioned on; None where it has no such
            conditioning.
    """

    name: str
    family: str = "sd"
    prediction: Prediction = "epsilon"
    encoders: tuple[EncoderFacts, ...] = (EncoderFacts(),)
    negative_branch: bool = True
    distilled: bool = False
    absent: Absent = "empty"
    swaps: bool = False
    rules: tuple[str, ...] = ("cfg",)
    samplers: tuple[str, ...] = ("DPM++ 2M",)
    multiple: int = 8
    width: int = 512
    height: int = 512
    steps: int = 20
    scale: float = 7.5
    sampler: str = "DPM++ 2M"
    rule: str = "cfg"
    embeddings: tuple[EmbeddingFacts, ...] = ()
    trained_pixels: tuple[int, int] | None = None
    trained_aspect: float = 2.0
    few_steps: str = ""
    named_few_steps: bool = False
    scheduler: str = ""
    loras: tuple[str, ...] | None = None
    sizes: bool = False
    guidance: float | None = None

    def trained_at(self, width: int, height: int) -> bool:
        """Whether the model was trained on pictures of about this size."""
        usual = self.width * self.height
        least, most = self.trained_pixels or (0.7 * usual, 1.6 * usual)
        shape = max(width, height) / min(width, height)
        return least <= width * height <= most and shape <= 1.05 * self.trained_aspect  # sides are rounded

    def to_plain(self) -> dict[str, Any]:
        """The facts as JSON can hold them: sets become sorted lists."""
        plain = asdict(self)
        for encoder in plain["encoders"]:
            encoder["words"] = None if encoder["words"] is None else sorted(encoder["words"])
        return plain


@dataclass(frozen=True)
class TextEncoderLayer:
    """How a diffusion model uses a text encoder: the layer whose output it was trained on, and its input.

    Attributes:
        skip: how many of the last layers are left out ("clip skip" n of AUTOMATIC1111 is skip n - 1).
        norm: whether the text model's final layer norm follows ("final") or not ("none").
        pooled: the pooled vector: none, the state at the end token ("eos"), or its projection ("projected").
        padding: "read" lets text model and network attend to the padding, "masked" does not.
        text: "chunks" encodes chunks with weights; "source" their words as running text, without what the
            dialect reads as syntax; "lowered" the same in lower case, without white space around it.
        before, after: the template around every text, special tokens included, as in a chat; None is the
            tokenizer's own begin and end tokens.
        instruction: a text between `before` and every text that the text model reads and whose states the
            network does not get. A space at its end is read with the first word of the text.
    """

    skip: int = 0
    norm: Literal["final", "none"] = "final"
    pooled: Literal["none", "eos", "projected"] = "none"
    padding: Literal["read", "masked"] = "read"
    text: Literal["chunks", "source", "lowered"] = "chunks"
    before: str | None = None
    after: str | None = None
    instruction: str = ""
