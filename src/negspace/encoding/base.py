"""What an encoder is: it turns prompts into conditioning."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from negspace.encoding.conditioning import Conditioning, Given
from negspace.encoding.inversion import Embedding
from negspace.errors import EncodingError
from negspace.prompt.tree import Prompt


class Encoder(ABC):
    """One text encoder, several together, or one behind a cache. Frozen: changes make another encoder."""

    @property
    @abstractmethod
    def text_count(self) -> int:
        """How many texts it can read at once, one per text model."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two encoders only if they encode every prompt alike."""

    @abstractmethod
    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        """The conditioning of a prompt.

        Args:
            prompt: what the first text model reads, and every other that `others` does not name.
            weighting: a name in `WEIGHTINGS`.
            others: texts of the second text model, the third and so on; None reads `prompt`.

        Raises:
            EncodingError: the weighting is unknown, a weight is too large for the number format, or there are
                more texts than text models.
        """

    @abstractmethod
    def empty(self) -> Conditioning:
        """The conditioning of the empty text, one window long."""

    @property
    def prompt_encoder(self) -> "Encoder":
        """The encoder of the prompt. It differs where a model was trained to read prompts and negatives
        differently."""
        return self

    @abstractmethod
    def with_embeddings(self, embeddings: Sequence[Embedding]) -> Self:
        """The same encoder with these textual-inversion embeddings by name, in place of those before.

        Raises:
            EncodingError: one was made for text models of other sizes, or for another number of them.
        """


class EncoderWrapper(Encoder):
    """An encoder that uses another one and changes or keeps its results.

    Args:
        encoder: the other one.
    """

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    @property
    def text_count(self) -> int:
        return self.encoder.text_count

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    def empty(self) -> Conditioning:
        return self.encoder.empty()

    def encode(
        self, prompt: Prompt, weighting: str = "a1111", others: Sequence[Prompt | None] = ()
    ) -> Conditioning:
        return self.encoder.encode(prompt, weighting, others)


def given(source: str) -> Given:
    """Whether a text is empty, blank or says something."""
    return "text" if source.strip() else "blank" if source else "empty"


def texts_of(encoder: Encoder, prompt: Prompt, others: Sequence[Prompt | None]) -> list[Prompt]:
    """The text each text model reads.

    Raises:
        EncodingError: there are more texts than text models.
    """
    for number, other in enumerate(others, start=2):
        if other is not None and number > encoder.text_count:
            raise EncodingError(
                f"this model has {encoder.text_count} text model(s); nothing would read text number {number}"
            )
    texts = [prompt, *others, *[None] * encoder.text_count]
    return [prompt if text is None else text for text in texts[: encoder.text_count]]
