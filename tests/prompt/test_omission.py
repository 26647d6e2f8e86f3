"""Words left out of a prompt, with what set them apart."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.prompt import DIALECTS, Chunk, Prompt, parse, running_text, without, write


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("(hat:0)", ""),
        (" (hat:0) ", ""),
        ("a snowman, (hat:0), night", "a snowman, night"),
        ("a snowman, night, (hat:0)", "a snowman, night"),
        ("a snowman, night (hat:0)", "a snowman, night"),
        ("(hat:0), a snowman", "a snowman"),
        ("a (red:0) cat", "a cat"),
        ("a, (b:0),", "a,"),
        ("a, (b:0), (c:0)", "a"),
        ("a, (b:0) (c:0), d", "a, d"),
        ("(a:1.1) (b:0) (c:1.2)", "a c"),
        ("a, (b:0) (red:1.2) c", "a, red c"),
        ("a, (b, c:0), d", "a, d"),
        ("x(y:0)z", "xz"),
        ("a cat, (smoke:-1) house", "a cat, house"),
        ("a, (b:0) BREAK c", "a c"),
        (r"a (b:1.3) \(c\) [d]", "a b (c) d"),
    ],
)
def test_what_is_left_reads_as_if_the_word_had_never_been_written(text: str, left: str) -> None:
    assert running_text(parse(text)) == left


def test_the_chunks_keep_their_number_and_places() -> None:
    prompt = parse("a, (b:0), c BREAK (d:1.2)")
    left = without(prompt.chunks, [chunk.weight == 0 for chunk in prompt.chunks])
    assert [chunk.span for chunk in left] == [chunk.span for chunk in prompt.chunks]
    assert [chunk.kind for chunk in left] == [chunk.kind for chunk in prompt.chunks]
    assert without(prompt.chunks, [False] * len(prompt.chunks)) == prompt.chunks


_words = st.lists(st.sampled_from(["hat", "red cat", "snow", "a house"]), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    _words, st.data(), st.sampled_from([name for name in DIALECTS if name in ("a1111", "comfy", "compel")])
)
def test_leaving_terms_out_is_the_list_without_them(
    words: list[str], data: st.DataObject, dialect: str
) -> None:
    gone = [data.draw(st.booleans()) for _ in words]
    chunks: list[Chunk] = []
    for number, (word, weight) in enumerate(zip(words, gone, strict=True)):
        chunks += [Chunk(", ", 1.0)] * (number > 0) + [Chunk(word, 0.0 if weight else 1.3)]
    text = write(Prompt(tuple(chunks), dialect, ""))
    kept = ", ".join(word for word, weight in zip(words, gone, strict=True) if not weight)
    assert running_text(parse(text, dialect)).replace(" ,", ",") == kept


def test_time_is_linear_in_the_number_of_words() -> None:
    def seconds(count: int) -> float:
        prompt = parse("(b:0), " * count)
        start = time.perf_counter()
        assert running_text(prompt) == ""
        return time.perf_counter() - start

    seconds(10)
    assert seconds(5000) < 2.0
