"""Infotext: written as AUTOMATIC1111 writes it, and read back without loss."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from negspace.errors import PromptError
from negspace.facts import EmbeddingFacts
from negspace.infotext import Infotext, from_receipt, read, write
from negspace.prompt import DIALECTS, convert, parse
from negspace.prompt.comparison import words_of
from negspace.receipt import Receipt
from negspace.records import ImageRecord, ModelRecord, SideRecord
from negspace.request import Request

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


def receipt(
    prompt: str, avoid: str | None, dialect: str, embeddings: tuple[EmbeddingFacts, ...] = ()
) -> Receipt:
    model = ModelRecord(
        name="tiny", family="sd", fingerprint="01234567", dtype="float32", device="cpu", rows=8
    )
    return Receipt(
        request=Request(prompt=prompt, avoid=avoid, dialect=dialect),
        negative_dialect=dialect,
        model=model,
        rule="cfg",
        scale=4.5,
        steps=20,
        sampler="DDIM",
        width=64,
        height=64,
        positive=SideRecord(text=prompt),
        negative=SideRecord(text=avoid),
        embeddings=embeddings,
        terms=(),
        negative_acted=True,
        why_not=None,
        evaluations={},
        images=(ImageRecord(seed=7, sha256="00", evaluations={}, push=()),),
        findings=(),
        versions={"negspace": "0.1.0"},
    )


@pytest.mark.parametrize(
    ("prompt", "dialect", "written"),
    [
        ("a ((cat:1.3))", "comfy", "a (cat:1.3)"),  # jags111/efficiency-nodes-comfyui#143
        ("saber (fate)", "plain", r"saber \(fate\)"),
        ("a cat++ [x]", "compel", r"a (cat:1.2100000000000002) \[x\]"),
        ("a ((cat:1.3)) [b:3]<lora:x:1>", "a1111", "a ((cat:1.3)) [b:3]<lora:x:1>"),
    ],
)
def test_texts_are_written_in_the_numbers_of_its_readers(prompt: str, dialect: str, written: str) -> None:
    info = from_receipt(receipt(prompt, prompt, dialect), 0)
    assert (info.prompt, info.negative) == (written, written)
    assert not [name for name in info.settings if "dialect" in name]


def test_what_its_readers_cannot_say_is_left_and_named() -> None:
    text = '("a cat", "a dog").blend(1, 0.5)'
    info = from_receipt(receipt(text, "hat", "compel"), 0)
    assert (info.prompt, info.settings["Prompt dialect"]) == (text, "compel")
    assert "Negative dialect" not in info.settings


PIECES = [
    "a cat",
    "(red:1.3)",
    "((b))",
    "[c]",
    "hat++",
    "(fate)0.8",
    "\\(x\\)",
    ", ",
    " ",
    "BREAK",
    "AND",
    "16:9",
    "夜",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.sampled_from(sorted(DIALECTS)))
@hypothesis_settings(max_examples=150, deadline=None)
def test_weights_after_reading_are_those_that_ran(text: str, dialect: str) -> None:
    info = read(write(from_receipt(receipt(text, text, dialect), 0)))
    try:
        convert(text, dialect, "a1111")
    except PromptError:
        assert info.settings["Prompt dialect"] == dialect
        return
    ran = [word[:2] for word in words_of(parse(text, dialect))]
    for side in (info.prompt, info.negative):
        assert [word[:2] for word in words_of(parse(side))] == ran


def test_hashes_of_embeddings_are_listed() -> None:
    """AUTOMATIC1111/stable-diffusion-webui#12259: name and the first 12 digits, as there."""
    embeddings = (
        EmbeddingFacts("EasyNegative", 8, (768,), "a.safetensors", "c74b4e810b030f6b" + "0" * 48),
        EmbeddingFacts("x:y,z", 1, (768,), "b.pt", "ab" * 32),
    )
    info = from_receipt(receipt("a cat", "EasyNegative", "a1111", embeddings), 0)
    assert info.settings["TI hashes"] == "EasyNegative: c74b4e810b03, xyz: abababababab"
    assert read(write(info)).settings["TI hashes"] == info.settings["TI hashes"]
