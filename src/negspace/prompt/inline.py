"""Inline forms: one text with both the prompt and the negative, for clients with a single text field.

    bar      a house | blurry, text      the negative follows the first | outside of brackets (LocalAI)
    hashes   a house ### blurry, text    the negative follows the first ### (AI Horde)
    no       a house --no blurry, text   up to the next --option or the end, any number of times (Midjourney)

Autocorrection makes one long dash of the two of --no; it is read all the same.

A form is read only if the request names it, because | and ### are ordinary characters elsewhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from negspace.errors import RequestError, no_such
from negspace.prompt.reading import Brackets
from negspace.prompt.tree import Span

# Two dashes and a letter at the start of a word. Before "no" one long dash will do: autocorrection makes it.
_OPTION = re.compile(r"(?<!\S)(?:--(?=[^\W\d_])|[–—―](?=no(?!\S)))(?P<name>\S+)")

Form = Literal["bar", "hashes", "no"]
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True)
class Inline:
    """A text divided into prompt and negative.

    Attributes:
        prompt: what is wanted.
        avoid: what is to be avoided; None where the text has no form, "" where a form has no text.
        spans: of the pieces of `avoid` in the source, in order.
    """

    prompt: str
    avoid: str | None
    spans: tuple[Span, ...] = ()


def split_inline(text: str, forms: Sequence[str] = FORMS) -> Inline:
    """The prompt and the negative in a text.

    Args:
        text: any text, in any dialect. A backslash before | makes it a letter.
        forms: which forms to read.

    Raises:
        RequestError: no form has one of these names.
    """
    for form in forms:
        if form not in FORMS:
            raise RequestError(no_such("inline form", form, FORMS))
    end, after = _divider(text, forms)
    kept, taken = _options(text, end) if "no" in forms else ([(0, end)], [])
    if after is None and not taken:
        return Inline(text, None)
    spans = tuple(
        _stripped(text, span) for span in (*taken, *([] if after is None else [(after, len(text))]))
    )
    prompt = " ".join(piece for span in kept if (piece := text[slice(*span)].strip()))
    return Inline(prompt, ", ".join(piece for span in spans if (piece := text[slice(*span)])), spans)


def _divider(text: str, forms: Sequence[str]) -> tuple[int, int | None]:
    """The end of the prompt and the start of what is to be avoided, None if nothing divides them."""
    hashes = text.find("###") if "hashes" in forms else -1
    bar = _bar(text) if "bar" in forms else -1
    if bar >= 0 and not 0 <= hashes < bar:
        return bar, bar + 1
    return (hashes, hashes + 3) if hashes >= 0 else (len(text), None)


def _bar(text: str) -> int:
    brackets, at = Brackets(text), text.find("|")
    while at >= 0:
        backslashes = at - len(text[:at].rstrip("\\"))
        if backslashes % 2 == 0 and not brackets.enclose(at):
            return at
        at = text.find("|", at + 1)
    return -1


def _options(text: str, end: int) -> tuple[list[Span], list[Span]]:
    """The spans outside of the --no options of text[:end], and the spans in them."""
    kept: list[Span] = []
    taken: list[Span] = []
    done = 0
    options = list(_OPTION.finditer(text, 0, end))
    ends = (*(option.start() for option in options[1:]), end)
    for option, after in zip(options, ends, strict=False):
        if option["name"] == "no":
            kept.append((done, option.start()))
            taken.append((option.end(), after))
            done = after
    return [*kept, (done, end)], taken


def _stripped(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
