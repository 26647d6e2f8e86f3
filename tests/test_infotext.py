"""Infotext: written as AUTOMATIC1111 writes it, and read back without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.infotext import Infotext, read, write

SETTINGS = {
    "Steps": "20",
    "Sampler": "DPM++ 2M",
    "CFG scale": "4.5",
    "Seed": "7",
    "Size": "64x64",
    "Model hash": "0123456789",
    "Model": "embedded",
}
LINE = (
    "Steps: 20, Sampler: DPM++ 2M, CFG scale: 4.5, Seed: 7, Size: 64x64, "
    "Model hash: 0123456789, Model: embedded"
)


def test_the_text_is_exactly_what_the_field_expects() -> None:
    text = write(Infotext("a snowman, night", "hat, (blurry:1.3)", SETTINGS))
    assert text == f"a snowman, night\nNegative prompt: hat, (blurry:1.3)\n{LINE}"


def test_without_a_negative_there_is_no_such_line() -> None:
    assert write(Infotext("a cat", "", SETTINGS)) == f"a cat\n{LINE}"


def test_without_a_prompt_the_negative_comes_first() -> None:
    text = write(Infotext("", "hat", SETTINGS))
    assert text == f"Negative prompt: hat\n{LINE}"
    assert read(text) == Infotext("", "hat", SETTINGS)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain value", "plain value"),
        ("a, b", '"a, b"'),
        ("x: 1", '"x: 1"'),
        ("two\nlines", '"two\\nlines"'),
        ('"quoted"', '"\\"quoted\\""'),
        ("C:\\models", '"C:\\\\models"'),
        ("höhle, 夜", '"höhle, 夜"'),
        ("", '""'),
    ],
)
def test_values_are_quoted_where_a_reader_needs_it(value: str, written: str) -> None:
    text = write(Infotext("a cat", "", {**SETTINGS, "Model": value}))
    assert text.endswith(f", Model: {written}")
    assert read(text).settings["Model"] == value


def test_a_file_of_another_program_is_read() -> None:
    """The layout that AUTOMATIC1111 documents, with several lines on both sides and a quoted value."""
    text = (
        "a castle,\n  dusk \nNegative prompt: fog,\nrain\n"
        "Steps: 30, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 965400086, "
        "Size: 512x768, Model hash: 6ce0161689, "
        'Model: v1-5, TI hashes: "bad: 1a2b, worse: 3c4d", Version: v1.10.1'
    )
    info = read(text)
    assert info.prompt == "a castle,\ndusk"
    assert info.negative == "fog,\nrain"
    assert info.settings["Sampler"] == "Euler a"
    assert info.settings["Size"] == "512x768"
    assert info.settings["TI hashes"] == "bad: 1a2b, worse: 3c4d"
    assert info.settings["Version"] == "v1.10.1"


def test_a_last_line_with_few_pairs_belongs_to_the_prompt() -> None:
    assert read("a sign that says\nSteps: 20, Seed: 3") == Infotext("a sign that says\nSteps: 20, Seed: 3")


def test_a_prompt_that_holds_the_mark_is_not_torn_apart() -> None:
    """Readers would take such a line for the negative; it keeps its words and its side."""
    info = read(write(Infotext("a sign\nNegative prompt: stop", "Negative prompt: go", SETTINGS)))
    assert info == Infotext("a sign\nNegative prompt : stop", "Negative prompt : go", SETTINGS)


@pytest.mark.parametrize("name", ["", "S", "Model, hash", "Model:", "Modell hash ", "-x", "a\nb"])
def test_a_name_that_no_reader_would_find_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be the name of a setting"):
        write(Infotext("a cat", "", {**SETTINGS, name: "1"}))


def test_too_few_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 3 settings"):
        write(Infotext("a cat", "", {"Steps": "20", "Seed": "7"}))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.text(
    'aN: ,\n"\\()1.', max_size=40
)
names = st.from_regex(r"[A-Za-z][A-Za-z0-9 \-/]{0,12}[A-Za-z0-9]", fullmatch=True)
settings = st.dictionaries(names, texts, min_size=3, max_size=6)


@given(texts, texts, settings)
def test_what_is_written_is_read_back(prompt: str, negative: str, settings: dict[str, str]) -> None:
    """Values come back exactly, texts with their lines stripped; a second round changes nothing."""
    first = read(write(Infotext(prompt, negative, settings)))
    assert first.settings == settings
    assert first.prompt == "\n".join(line.strip() for line in prompt.strip().split("\n"))
    assert first.negative == "\n".join(line.strip() for line in negative.strip().split("\n"))
    assert read(write(first)) == first


@given(texts)
def test_nothing_is_refused_when_reading(text: str) -> None:
    assert isinstance(read(text), Infotext)
