"""Tiny text models with random weights, of the real classes, for the encoding tests."""

from functools import cache
from typing import Any

import torch
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

from negspace.encoding import TextEncoder
from negspace.facts import EncoderFacts, TextEncoderLayer
from tests.vocabulary import trained

WORDS = (
    "a an the of in on with and red blue green yellow house tree cat dog boat hat snow night forest beach "
    "blurry watermark text smoke collar hand small big picture drawing easynegative fate style"
).split()
FIRST_LAYER = TextEncoderLayer(skip=1, norm="none")
WEIGHTED = TextEncoderLayer()
SECOND_LAYER = TextEncoderLayer(skip=1, norm="none", pooled="projected")


@cache
def clip_tokenizer(pad: str = "<|endoftext|>") -> Any:
    """One token for each of WORDS; other text falls into letters. SDXL's second one pads with "!"."""
    letters, pairs = trained(WORDS)
    merges: Any = pairs
    pieces = [
        "!",
        *letters,
        *(f"{letter}</w>" for letter in letters),
        *(left + right for left, right in merges),
    ]
    pieces += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    return CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad, model_max_length=77)


def t5_tokenizer() -> Any:
    """One token for each of WORDS; other text falls into letters."""
    pieces: list[tuple[str, float]] = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -4.0)]
    pieces += [(f"▁{word}", -2.0) for word in WORDS]
    pieces += [(chr(code), -6.0) for code in range(33, 127)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, additional_special_tokens=[], model_max_length=64)


def stirred(model: Any, seed: int) -> Any:
    """Random weights everywhere, layer norms included, so that no mean is zero by construction."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(0.3 + noise * 0.3 if name.endswith("bias") else 1 + noise * 0.3)
            else:
                parameter.copy_(noise * (1.0 if "embed" in name or "shared" in name else 0.2))
    return model.eval()


def clip_config(tokenizer: Any, width: int = 32, **other: Any) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=24,
        num_hidden_layers=3,
        num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **other,
    )


def clip_encoder(
    layer: TextEncoderLayer | None = None, words: frozenset[str] | None = None, **other: Any
) -> TextEncoder:
    """An encoder like SD1's: 32 wide."""
    tokenizer = clip_tokenizer()
    model = stirred(CLIPTextModel(clip_config(tokenizer)), 1)
    return TextEncoder(tokenizer, model, EncoderFacts(words=words), layer, **other)


def clip_pair() -> tuple[TextEncoder, TextEncoder]:
    """Encoders like SDXL's: 32 and 40 wide, the second padded with "!" and with a projected summary of 24."""
    first, second = clip_tokenizer(), clip_tokenizer(pad="!")
    second_facts = EncoderFacts("text_encoder_2")
    return (
        TextEncoder(first, stirred(CLIPTextModel(clip_config(first)), 1), None, FIRST_LAYER),
        TextEncoder(
            second,
            stirred(CLIPTextModelWithProjection(clip_config(second, 40)), 2),
            second_facts,
            SECOND_LAYER,
        ),
    )


def t5_encoder(layer: TextEncoderLayer | None = WEIGHTED, window: int = 24) -> TextEncoder:
    """Like SD3's third: running text of `window` - 1 tokens, 96 wide; by default with weights."""
    config = T5Config(
        vocab_size=512,
        d_model=96,
        d_kv=8,
        d_ff=64,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        is_encoder_decoder=False,
    )
    facts = EncoderFacts("text_encoder_3", window=window, chunk=window - 1, kind="llm")
    return TextEncoder(t5_tokenizer(), stirred(T5EncoderModel(config), 3), facts, layer)
