"""The networks of a family, and how its text encoders are read."""

from dataclasses import dataclass
from typing import Any

from negspace.facts import EncoderFacts, TextEncoderLayer


@dataclass(frozen=True)
class ModelPart:
    """A network of a family: its folder in a diffusers folder, and its class."""

    folder: str
    module: str
    class_name: str

    def leaves_out(self, name: str) -> bool:
        """Whether a tensor of a file of such a network is known to be read by nothing in it."""
        return name.endswith("position_ids")


@dataclass(frozen=True)
class TextPart(ModelPart):
    """A text encoder of a family.

    Attributes:
        tokenizer: the folder of its tokenizer.
        tokenizer_class: (module, class) of its tokenizer.
        window: tokens read at once; 0 takes the number from its settings.
        layer: which of its outputs the family reads.
        special_tokens: tokens around a running text: its begin and end tokens, or those of `layer.before` and
            `layer.after`.
        optional: whether the family works without it.
        unread: beginnings of names of tensors that files have and it does not read: what sees pictures, and
            projections.
    """

    tokenizer: str = "tokenizer"
    tokenizer_class: tuple[str, str] = ("transformers.models.clip.tokenization_clip", "CLIPTokenizer")
    window: int = 0
    layer: TextEncoderLayer = TextEncoderLayer()
    special_tokens: int = 1
    optional: bool = False
    unread: tuple[str, ...] = ()

    def leaves_out(self, name: str) -> bool:
        return super().leaves_out(name) or name.startswith(self.unread)

    def facts(self, settings: dict[str, Any], words: frozenset[str] | None) -> EncoderFacts:
        """What a plan needs to know of it, from its settings."""
        if self.window:
            text = text_settings(settings)
            width = text.get("d_model", text.get("hidden_size"))
            room = self.window - self.special_tokens
            return EncoderFacts(self.folder, self.window, room, words, "llm", width)
        window = int(settings.get("max_position_embeddings", 77))
        return EncoderFacts(self.folder, window, window - 2, words, "clip", settings.get("hidden_size"))


def text_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of a text encoder; of one that reads pictures as well, those of its text model."""
    return settings.get("text_config", settings)


def clip(number: int, *, projecting: bool = False, **layer: Any) -> TextPart:
    """The CLIP text encoder number 1, 2.. of a family; `layer` as in `TextEncoderLayer`."""
    name = "CLIPTextModelWithProjection" if projecting else "CLIPTextModel"
    module, suffix = "transformers.models.clip.modeling_clip", _suffix(number)
    unread = (
        "vision_model.",
        "visual_projection.",
        "logit_scale",
        *(() if projecting else ("text_projection.",)),
    )
    return TextPart(
        f"text_encoder{suffix}",
        module,
        name,
        f"tokenizer{suffix}",
        layer=TextEncoderLayer(**layer),
        unread=unread,
    )


def t5(number: int, window: int, *, optional: bool = False, **layer: Any) -> TextPart:
    """The T5 text encoder number 1, 2.. of a family, with its window in tokens; `layer` as in `clip`."""
    return TextPart(
        folder=f"text_encoder{_suffix(number)}",
        module="transformers.models.t5.modeling_t5",
        class_name="T5EncoderModel",
        tokenizer=f"tokenizer{_suffix(number)}",
        tokenizer_class=("transformers.models.t5.tokenization_t5", "T5Tokenizer"),
        window=window,
        layer=TextEncoderLayer(**{"text": "source", **layer}),
        optional=optional,
    )


def language_model(
    module: str,
    class_name: str,
    tokenizer_class: tuple[str, str],
    window: int,
    special: int = 1,
    **layer: Any,
) -> TextPart:
    """The language model that is a family's only text encoder, its padding masked.

    Args:
        module: under `transformers.models`, as that of `tokenizer_class`.
        special: the `special_tokens` around a text.
    """
    return TextPart(
        folder="text_encoder",
        module=f"transformers.models.{module}",
        class_name=class_name,
        tokenizer_class=(f"transformers.models.{tokenizer_class[0]}", tokenizer_class[1]),
        window=window,
        layer=TextEncoderLayer(padding="masked", **layer),
        special_tokens=special,
    )


def transformer(module: str, class_name: str) -> ModelPart:
    """The transformer of a family; its module is under `diffusers.models.transformers`."""
    return ModelPart("transformer", f"diffusers.models.transformers.{module}", class_name)


def _suffix(number: int) -> str:
    return "" if number == 1 else f"_{number}"
