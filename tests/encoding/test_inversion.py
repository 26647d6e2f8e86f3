"""Textual-inversion embeddings: every layout, several vectors, weights, and files that are refused."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from negspace.encoding import Embedding, EndToEnd, SideBySide, load_embedding
from negspace.encoding.inversion import LARGEST_FILE
from negspace.errors import EncodingError
from negspace.prompt import parse
from tests.encoding.tiny import clip_encoder, clip_pair, t5_encoder

ROWS = torch.arange(96, dtype=torch.float32).reshape(3, 32) / 50
NARROW, WIDE = torch.randn(2, 32), torch.randn(2, 40)


def test_the_layout_of_automatic1111(tmp_path: Path) -> None:
    file = tmp_path / "EasyNegative.pt"
    torch.save(
        {
            "string_to_token": {"*": 265},
            "string_to_param": {"*": ROWS},
            "name": "x",
            "step": 4,
            "sd_checkpoint": None,
        },
        file,
    )
    embedding = load_embedding(file)
    assert embedding.name == "EasyNegative"
    assert len(embedding.tables) == 1 and torch.equal(embedding.tables[0], ROWS)


def test_a_trained_parameter_is_a_table_too(tmp_path: Path) -> None:
    file = tmp_path / "style.pt"
    torch.save({"string_to_param": {"*": torch.nn.Parameter(ROWS)}}, file)
    (table,) = load_embedding(file).tables
    assert torch.equal(table, ROWS) and not table.requires_grad


def test_the_layout_emb_params(tmp_path: Path) -> None:
    save_file({"emb_params": ROWS.half()}, tmp_path / "bad-hands-5.safetensors")
    embedding = load_embedding(tmp_path / "bad-hands-5.safetensors")
    assert embedding.name == "bad-hands-5"
    torch.testing.assert_close(embedding.tables[0], ROWS, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_the_layout_of_diffusers_names_its_token(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"learned_embeds.{ending}"
    content = {"<cat-toy>": ROWS[0]}
    save_file(content, file) if ending == "safetensors" else torch.save(content, file)
    embedding = load_embedding(file)
    assert embedding.name == "<cat-toy>" and torch.equal(embedding.tables[0], ROWS[:1])
    assert load_embedding(file, name="toy").name == "toy"


@pytest.mark.parametrize("ending", ["safetensors", "pt"])
def test_the_layout_of_sdxl(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"negativeXL.{ending}"
    content = {"clip_g": WIDE, "clip_l": NARROW}
    save_file(content, file) if ending == "safetensors" else torch.save(content, file)
    embedding = load_embedding(file)
    assert torch.equal(embedding.tables[0], NARROW) and torch.equal(embedding.tables[1], WIDE)


class Command:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def test_a_pickle_with_a_program_is_refused_and_not_run(tmp_path: Path) -> None:
    file = tmp_path / "borked.pt"
    torch.save({"string_to_param": {"*": ROWS}, "extra": Command()}, file)
    with pytest.raises(EncodingError, match=r"borked\.pt: refused, it holds more than tensors"):
        load_embedding(file)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_bare_pickle_with_a_program_is_refused_and_not_run(tmp_path: Path, protocol: int) -> None:
    file = tmp_path / "borked.pt"
    file.write_bytes(pickle.dumps({"string_to_param": Command()}, protocol))
    with pytest.raises(EncodingError, match="refused|not an embedding file"):
        load_embedding(file)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.safetensors"
    with file.open("wb") as out:
        out.truncate(LARGEST_FILE + 1)
    with pytest.raises(EncodingError, match="too many for an embedding"):
        load_embedding(file)


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.pt"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb/data/0", "w") as entry,
    ):
        for _ in range(LARGEST_FILE // 2**20 + 1):
            entry.write(bytes(2**20))
    assert file.stat().st_size < 2**20
    with pytest.raises(EncodingError, match="unpacks to"):
        load_embedding(file)


def test_a_table_that_claims_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "claim.pt"
    torch.save({"emb_params": torch.zeros(1).expand(2**20, 768)}, file)
    with pytest.raises(EncodingError, match="too many for an embedding"):
        load_embedding(file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"emb_params": torch.full((1, 32), float("nan"))}, "not numbers"),
        ({"emb_params": torch.ones(2, 3, 4)}, r"\(2, 3, 4\) is not \[vectors, dim\]"),
        ({"emb_params": torch.ones(0, 32)}, r"\(0, 32\) is not"),
        ({"emb_params": torch.ones(1, 32, dtype=torch.int64)}, "other than a table of numbers"),
        ({"emb_params": "text"}, "other than a table of numbers"),
        ({"a": ROWS, "b": ROWS}, "not a layout of embeddings that is known .it holds: a, b"),
        ({"clip_l": NARROW}, "not a layout"),
        ({"string_to_param": {"*": ROWS, "+": ROWS}}, "not a layout"),
        ({}, "not a layout"),
        ([ROWS], "holds a list"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "wrong.pt")
    with pytest.raises(EncodingError, match=message):
        load_embedding(tmp_path / "wrong.pt")


@pytest.mark.parametrize("name", ["text.pt", "text.bin", "text.safetensors", "text.png"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("hello, this is no embedding")
    with pytest.raises(EncodingError, match=name.replace(".", r"\.")):
        load_embedding(tmp_path / name)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(EncodingError, match=r"nowhere\.pt: there is no such"):
        load_embedding("nowhere.pt")


# What embeddings do to a text.

STYLE = clip_encoder(vectors={"EasyNegative": ROWS})


def places(text: str) -> list[int]:
    return [place for chunk in STYLE.encode(parse(text)).tokens[0].chunks for place in chunk.places]


def test_vectors_stand_where_the_name_stood() -> None:
    """A vector that equals a token's own entry gives the token's own answer."""
    plain = clip_encoder()
    cat = plain._tokenizer.convert_tokens_to_ids("cat</w>")
    entry = plain._model.model.get_input_embeddings().weight[cat].detach()
    twice = clip_encoder(vectors={"kitty": entry.repeat(2, 1)})
    assert torch.equal(
        twice.encode(parse("a kitty, dog")).hidden, plain.encode(parse("a cat cat, dog")).hidden
    )


def test_the_model_is_left_as_it_was() -> None:
    before = STYLE.encode(parse("a cat")).hidden
    STYLE.encode(parse("easynegative"))
    assert torch.equal(STYLE.encode(parse("a cat")).hidden, before)
    assert not STYLE._model.model.get_input_embeddings()._forward_hooks


def test_several_vectors_are_several_tokens_with_one_name() -> None:
    (chunk,) = STYLE.encode(parse("a EasyNegative cat")).tokens[0].chunks
    assert chunk.ids[1:4] == (-1, -1, -1) and chunk.places == (1, 2, 3, 4, 5)
    assert chunk.tokens == ("a</w>", *["EasyNegative"] * 3, "cat</w>")
    assert [word.text for word in chunk.words] == ["a", "EasyNegative", "cat"]


@pytest.mark.parametrize(
    "text", ["easynegative", "EASYNEGATIVE", "embedding:EasyNegative", "a,easynegative,b"]
)
def test_the_name_is_found_in_any_case_and_as_ComfyUI_writes_it(text: str) -> None:
    chunks = STYLE.encode(parse(text, "plain")).tokens[0].chunks
    assert [chunk.ids.count(-1) for chunk in chunks] == [3]


@pytest.mark.parametrize(
    "text", ["easynegatives", "uneasynegative", "easynegative-v2", "my_easynegative", "easy negative"]
)
def test_the_name_is_found_only_as_a_whole_word(text: str) -> None:
    (chunk,) = STYLE.encode(parse(text, "plain")).tokens[0].chunks
    assert -1 not in chunk.ids


def test_the_longest_name_wins() -> None:
    both = clip_encoder(vectors={"bad": ROWS[:1], "bad hands": ROWS[:2]})
    (chunk,) = both.encode(parse("bad hands, bad")).tokens[0].chunks
    assert chunk.ids.count(-1) == 3


def test_a_name_with_brackets_of_diffusers_is_found() -> None:
    toy = clip_encoder(vectors={"<cat-toy>": ROWS[:1]})
    (chunk,) = toy.encode(parse("a <cat-toy>")).tokens[0].chunks
    assert chunk.ids.count(-1) == 1


def test_the_name_has_its_place_in_the_source() -> None:
    text = "a (EasyNegative:1.2) cat"
    words = [word for chunk in STYLE.encode(parse(text)).tokens[0].chunks for word in chunk.words]
    assert [text[slice(*word.span)] for word in words] == ["a", "EasyNegative", "cat"]


def test_a_learned_name_is_a_known_word() -> None:
    knowing = clip_encoder(words=frozenset(["a"]), vectors={"EasyNegative": ROWS})
    (chunk,) = knowing.encode(parse("a EasyNegative cat")).tokens[0].chunks
    assert [word.known for word in chunk.words] == [True, True, False]


def test_weights_act_on_every_vector() -> None:
    plain = STYLE.encode(parse("a easynegative cat"), "product")
    weighed = STYLE.encode(parse("a (easynegative:1.3) cat"), "product")
    torch.testing.assert_close(weighed.hidden[2:5], plain.hidden[2:5] * 1.3)
    assert torch.equal(weighed.hidden[5:], plain.hidden[5:])


def test_vectors_are_never_parted_by_a_window() -> None:
    told = STYLE.encode(parse("cat " * 74 + "easynegative"))
    assert told.windows == 2 and places("cat " * 74 + "easynegative")[-3:] == [78, 79, 80]


def test_with_embeddings_makes_another_encoder() -> None:
    plain = clip_encoder()
    taught = plain.with_embeddings([Embedding("EasyNegative", (ROWS,))])
    assert taught.fingerprint == STYLE.fingerprint != plain.fingerprint
    assert torch.equal(
        taught.encode(parse("easynegative")).hidden, STYLE.encode(parse("easynegative")).hidden
    )
    assert -1 not in plain.encode(parse("easynegative")).tokens[0].chunks[0].ids


def test_sdxl_gives_each_encoder_its_table() -> None:
    first, second = clip_pair()
    taught = SideBySide([first, second]).with_embeddings([Embedding("xl", (NARROW, WIDE))])
    told = taught.encode(parse("a xl"))
    one = first.with_embeddings([Embedding("xl", (NARROW,))]).encode(parse("a xl"))
    other = second.with_embeddings([Embedding("xl", (WIDE,))]).encode(parse("a xl"))
    assert torch.equal(told.hidden, torch.cat([one.hidden, other.hidden], dim=1))


def test_sd3_gives_the_windows_theirs_and_its_language_model_reads_the_name() -> None:
    taught = EndToEnd(SideBySide(clip_pair()), t5_encoder()).with_embeddings(
        [Embedding("xl", (NARROW, WIDE))]
    )
    told = taught.encode(parse("a xl"))
    assert [-1 in report.chunks[0].ids for report in told.tokens] == [True, True, False]


def test_an_embedding_of_another_size_names_both_sides() -> None:
    with pytest.raises(EncodingError, match=r"'x' has vectors of 40, but text_encoder reads vectors of 32"):
        clip_encoder(vectors={"x": WIDE})


def test_an_embedding_of_sd1_does_not_fit_sdxl() -> None:
    with pytest.raises(
        EncodingError, match=r"'x' has vectors of 32, for 1 text model\(s\); this model has 2"
    ):
        SideBySide(clip_pair()).with_embeddings([Embedding("x", (NARROW,))])


def test_an_embedding_of_sdxl_does_not_fit_sd1() -> None:
    with pytest.raises(
        EncodingError, match=r"'x' has vectors of 32 and 40, for 2 text model\(s\); this model has 1"
    ):
        clip_encoder().with_embeddings([Embedding("x", (NARROW, WIDE))])


def test_more_vectors_than_a_window_holds_are_refused() -> None:
    with pytest.raises(EncodingError, match="'x' has 76 vectors, but text_encoder reads 1 to 75"):
        clip_encoder(vectors={"x": torch.ones(76, 32)})
