"""The options that replace parts of a model or add to them, declared once."""

from functools import partial
from typing import Annotated, cast, get_args

from negspace.cli.options import option, options_from
from negspace.errors import RequestError, no_such
from negspace.models.files.source import EMBEDDED, FewStep, Saving, Source, parse_text_encoder

in_parts = partial(option, panel="Model parts")


def source_of(
    text_encoder: Annotated[
        list[str] | None,
        in_parts(
            "[PART=]FILE",
            "A text encoder instead of the model's own or the named one. May be given several times.",
        ),
    ] = None,
    lora: Annotated[
        list[str] | None,
        in_parts("FILE:WEIGHT", "A LoRA to add to the weights. May be given several times."),
    ] = None,
    lora_dir: Annotated[
        str | None,
        in_parts("FOLDER", "LoRA files that a prompt may name, <lora:NAME:0.8>."),
    ] = None,
    model_config: Annotated[
        str | None,
        in_parts("FOLDER", "For a model in one file: a model of its kind, for settings and vocabulary."),
    ] = None,
    allow_pickle: Annotated[
        bool, in_parts("", "Open pickled weights too, for their tensors alone.", "--allow-pickle")
    ] = False,
    device: Annotated[
        str | None, in_parts("NAME", "cpu, cuda, cuda:1 or mps; else CUDA where there is one.")
    ] = None,
    vae: Annotated[str | None, in_parts("FILE", "An autoencoder instead of the model's own.")] = None,
    clip_skip: Annotated[
        int | None,
        in_parts("N", "Read CLIP N layers from its end, 1 being the last; Stable Diffusion 1 and 2.", min=1),
    ] = None,
    few_step: Annotated[
        str | None,
        in_parts("KIND", f"The model is distilled to a few steps: {', '.join(get_args(FewStep))}."),
    ] = None,
    save_memory: Annotated[
        list[str] | None, in_parts("WAY", f"{', '.join(get_args(Saving))}. May be given several times.")
    ] = None,
) -> Source:
    """The source of a command line, without the place of its model.

    Raises:
        RequestError: an option has an impossible value.
    """
    for saving in save_memory or ():
        if saving not in get_args(Saving):
            raise RequestError(no_such("way to save memory", saving, get_args(Saving)))
    if few_step is not None and few_step not in get_args(FewStep):
        raise RequestError(no_such("kind of few-step model", few_step, get_args(FewStep)))
    return Source(
        EMBEDDED,
        model_config,
        tuple(map(parse_text_encoder, text_encoder or ())),
        tuple(map(_lora, lora or ())),
        allow_pickle,
        cast(tuple[Saving, ...], tuple(save_memory or ())),
        lora_dir,
        cast(FewStep | None, few_step),
        vae,
        clip_skip,
        device,
    )


source_options = options_from(source_of)
"""The command with the options of a source instead of its parameter of type Source, used with `at`."""


def _lora(text: str) -> tuple[str, float]:
    """("file", 0.8) of "file:0.8"; without a weight it is 1."""
    place, colon, weight = text.rpartition(":")
    if not colon or "/" in weight or weight.endswith(".safetensors"):
        return text, 1.0
    try:
        return place, float(weight)
    except ValueError:
        raise RequestError(f"lora {text!r}: {weight!r} is not a weight; write FILE:0.8") from None
