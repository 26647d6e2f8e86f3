"""Words left out of a prompt: of weight 0, and for a language model all that cannot be told as words."""

from collections.abc import Sequence

from negspace.prompt.tree import Chunk, Prompt


def without(chunks: Sequence[Chunk], omitted: Sequence[bool]) -> tuple[Chunk, ...]:
    """As many chunks, the omitted ones without text.

    With them goes what set them apart: one comma where nothing is left between two, and doubled blanks.
    """
    kept = list(chunks)
    start = 0
    while start < len(kept):
        before, gone, stop = start - 1, False, start
        while stop < len(kept) and _is_gap(kept[stop], omitted[stop]):
            gone = gone or omitted[stop]
            stop += 1
            if gone and not (stop < len(kept) and _is_gap(kept[stop], omitted[stop])):
                _close_gap(kept, omitted, before, range(start, stop))
                start, gone = stop, False  # what follows may be blank now, and part of the gap
        start = stop + 1
    return tuple(kept)


def running_text(prompt: Prompt) -> str:
    """The words of a prompt as a language model reads them: no syntax, no words of weight 0 or below."""
    chunks = without(prompt.chunks, [chunk.weight <= 0 for chunk in prompt.chunks])
    texts = [" " if chunk.kind == "break" else chunk.text for chunk in chunks]
    if prompt.separator:
        texts = [text.strip() for text in texts]
    return prompt.separator.join(text for text in texts if text)


def _is_gap(chunk: Chunk, omitted: bool) -> bool:
    return chunk.kind == "text" and (omitted or not chunk.text.strip())


def _close_gap(chunks: list[Chunk], omitted: Sequence[bool], before: int, gap: range) -> None:
    """Empty the chunks of a gap, and join what stands before and after it."""
    left, right = _text_at(chunks, before), _text_at(chunks, gap.stop)
    blank = any(chunks[number].text and not omitted[number] for number in gap)
    for number in gap:
        chunks[number] = _with_text(chunks[number], "")
    if right.lstrip().startswith(","):
        left = left.rstrip()
        right = right if left and not left.endswith(",") else right.lstrip()[1:]
    elif not right:  # the end of the text, or a BREAK
        left = left.rstrip().removesuffix(",")
    if not left or left[-1].isspace():
        right = right.lstrip()
    elif blank and right and not right[0].isspace() and right[0] != ",":
        left += " "
    for number, text in ((before, left), (gap.stop, right)):
        if 0 <= number < len(chunks) and chunks[number].kind == "text":
            chunks[number] = _with_text(chunks[number], text)


def _text_at(chunks: Sequence[Chunk], place: int) -> str:
    """The text of a chunk; none at the ends of the prompt and at a BREAK."""
    return chunks[place].text if 0 <= place < len(chunks) and chunks[place].kind == "text" else ""


def _with_text(chunk: Chunk, text: str) -> Chunk:
    return Chunk(text, chunk.weight, chunk.span, chunk.kind)
