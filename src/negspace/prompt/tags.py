"""Tags: <lora:name:0.8>, <lyco:..>, <hypernet:..>. AUTOMATIC1111 takes them out of a text before it reads it.

    <lora:name>              strength 1 for the network and the text encoder
    <lora:name:0.8>          0.8 for both
    <lora:name:0.8:0.5>      0.8 for the text encoder, 0.5 for the network
    <lora:name:te=0:unet=1>  the same by name

Any other word before the first colon is taken out as well. Nothing of a tag is ever encoded as text.
"""

import re
from typing import NamedTuple

from negspace.findings import Finding
from negspace.prompt.places import Origin
from negspace.prompt.reading import FindingCollector, parse_number
from negspace.prompt.tree import Lora

_TAG = re.compile(r"<(\w+):([^<>]+)>")
_LORA_KINDS = ("lora", "lyco")
_STRENGTHS = ("te", "unet")


class Untagged(NamedTuple):
    """A text without its tags.

    Attributes:
        text: what is left.
        origin: the source of its parts.
        loras: the LoRA tags in order.
        findings: what a tag says and nobody carries out.
    """

    text: str
    origin: Origin
    loras: tuple[Lora, ...]
    findings: tuple[Finding, ...]


def without_tags(source: str) -> Untagged | None:
    """`source` without its tags; None where it has none."""
    tags = list(_TAG.finditer(source)) if "<" in source else []
    if not tags:
        return None
    findings = FindingCollector()
    parts: list[str] = []
    origin: list[tuple[int, int]] = []
    loras: list[Lora] = []
    length = start = 0
    for tag in tags:
        parts.append(source[start : tag.start()])
        origin.append((length, start))
        length, start = length + len(parts[-1]), tag.end()
        if lora := _lora(tag, findings):
            loras.append(lora)
    parts.append(source[start:])
    origin.append((length, start))
    return Untagged("".join(parts), tuple(origin), tuple(loras), findings.collected())


def lora_tag(lora: Lora) -> str:
    """The tag of a LoRA, as AUTOMATIC1111 reads it."""
    both = lora.text_weight is None or lora.text_weight == lora.weight
    strengths = (lora.weight,) if both else (lora.text_weight, lora.weight)
    return f"<lora:{lora.name}:{':'.join(f'{strength:.10g}' for strength in strengths)}>"


def _lora(tag: re.Match[str], findings: FindingCollector) -> Lora | None:
    """The LoRA of a tag, and a finding; None where it is a tag of another kind, or its numbers are none."""
    if tag[1] not in _LORA_KINDS:
        findings.warn("tag", f"not carried out: {tag[0]}: there is no {tag[1]} here", tag.span())
        return None
    name, *arguments = tag[2].split(":")
    given, others = _strengths(arguments)
    strengths = {key: value for key, text in given.items() if (value := parse_number(text)) is not None}
    others += [text for key, text in given.items() if key not in strengths]
    if others:
        findings.warn("tag", f"not carried out: {', '.join(map(repr, others))} of {tag[0]}", tag.span())
    if len(strengths) < len(given):
        return None
    text = strengths.get("te", 1.0)
    network = strengths.get("unet", text)
    return Lora(name, network, None if text == network else text, tag.span())


def _strengths(arguments: list[str]) -> tuple[dict[str, str], list[str]]:
    """The strengths by name as they are written, and the arguments that are none."""
    given: dict[str, str] = {}
    others: list[str] = []
    for number, argument in enumerate(arguments):
        key, sign, value = argument.partition("=")
        if sign:
            key = key.strip()
        else:
            key, value = _STRENGTHS[number] if number < len(_STRENGTHS) else "", argument
        if key in _STRENGTHS:
            given[key] = value
        else:
            others.append(argument)
    return given, others
