"""The networks of a family, and how its text encoders are read."""

from dataclasses import dataclass
from typing import Any, Literal

from negspace.facts import EncoderFacts, TextEncoderLayer


@dataclass(frozen=True)
class ModelPart:
    """A network of a family.

    Attributes:
        folder: its folder in a diffusers folder.
        module: where its class lives.
        kind: its class.
    """

    folder: str
    module: str
    class_name: str


@dataclass(frozen=True)
class TextPart(ModelPart):
    """A text encoder of a family.

    Attributes:
        tokenizer: the folder of its tokenizer.
        reader: (module, class) of its tokenizer.
        window: tokens read at once; 0 asks its settings.
        layer: which of its answers the family reads.
        marks: tokens that stand around a running text: its own marks, or what `before` and `after` become.
        optional: whether the family works without it.
    """

    tokenizer: str = "tokenizer"
    tokenizer_class: tuple[str, str] = ("transformers.models.clip.tokenization_clip", "CLIPTokenizer")
    window: int = 0
    layer: TextEncoderLayer = TextEncoderLayer()
    special_tokens: int = 1
    optional: bool = False

    def facts(self, settings: dict[str, Any], words: frozenset[str] | None) -> EncoderFacts:
        """What a plan must know of it, from its settings."""
        if self.window:
            own = settings.get("text_config", settings)  # of one that sees pictures as well
            width = own.get("d_model", own.get("hidden_size"))
            return EncoderFacts(
                self.folder, self.window, self.window - self.special_tokens, words, "llm", width
            )
        window = int(settings.get("max_position_embeddings", 77))
        return EncoderFacts(self.folder, window, window - 2, words, "clip", settings.get("hidden_size"))


_CLIP = "transformers.models.clip.modeling_clip"


def clip(number: int, *, projecting: bool = False, **layer: Any) -> TextPart:
    """The CLIP text encoder number 1, 2.. of a family; `layer` as in `TextEncoderLayer`."""
    suffix = "" if number == 1 else f"_{number}"
    kind = "CLIPTextModelWithProjection" if projecting else "CLIPTextModel"
    return TextPart(
        f"text_encoder{suffix}", _CLIP, kind, f"tokenizer{suffix}", layer=TextEncoderLayer(**layer)
    )


def t5(
    number: int,
    window: int,
    text: Literal["source", "lowered"] = "source",
    *,
    optional: bool = False,
    **layer: Any,
) -> TextPart:
    """The T5 text encoder number 1, 2.. of a family, which reads this many tokens.

    `layer` as in `TextEncoderLayer`.
    """
    suffix = "" if number == 1 else f"_{number}"
    reader = ("transformers.models.t5.tokenization_t5", "T5Tokenizer")
    return TextPart(
        f"text_encoder{suffix}",
        "transformers.models.t5.modeling_t5",
        "T5EncoderModel",
        f"tokenizer{suffix}",
        reader,
        window,
        TextEncoderLayer(text=text, **layer),
        optional=optional,
    )
