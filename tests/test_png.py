"""PNG files that say how they were made: what goes in comes out, and any other file is told apart clearly."""

import json
import struct
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from negspace import infotext, png
from negspace.errors import OutputError
from negspace.receipt import Receipt
from negspace.records import ImageRecord, ModelRecord, SideRecord, TermRecord
from negspace.request import Request


def receipt(prompt: str = "a cat", negative: str | None = "hat", seeds: tuple[int, ...] = (7, 8)) -> Receipt:
    return Receipt(
        request=Request(prompt=prompt, avoid=negative, seed=seeds[0], n=len(seeds)),
        model=ModelRecord(
            name="tiny", family="sd", fingerprint="0123456789abcdef", dtype="float32", device="cpu", rows=8
        ),
        rule="cfg",
        scale=4.5,
        steps=20,
        sampler="DDIM",
        width=64,
        height=48,
        positive=SideRecord(text=prompt, windows=1),
        negative=SideRecord(text=negative, windows=1),
        terms=(),
        negative_acted=True,
        why_not=None,
        evaluations={"positive": 40, "negative": 40},
        images=tuple(
            ImageRecord(
                seed=seed, sha256="00", evaluations={"positive": 20, "negative": 20}, push=(1.0, None)
            )
            for seed in seeds
        ),
        findings=(),
        versions={"negspace": "0.1.0"},
    )


def picture() -> Image.Image:
    return Image.new("RGB", (64, 48), (10, 200, 30))


def encoded(chunks: PngInfo) -> bytes:
    image = picture()
    png.attach(image, chunks)
    return png.encode(image)


def chunk_kinds(content: bytes) -> list[tuple[str, str]]:
    """The text chunks of a PNG as (kind, keyword), read by hand from the bytes."""
    found, place = [], 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        if kind in (b"tEXt", b"iTXt"):
            found.append((kind.decode(), data.split(b"\0")[0].decode()))
        place += 12 + length
    return found


@pytest.mark.parametrize(
    ("prompt", "kind"), [("a cat, night", "tEXt"), ("un café", "tEXt"), ("雪だるま, ночь", "iTXt")], ids=str
)
def test_texts_go_in_and_come_out(tmp_path: Path, prompt: str, kind: str) -> None:
    whole = receipt(prompt)
    content = encoded(png.text_chunks(whole, 1))
    assert chunk_kinds(content) == [(kind, "parameters"), (kind, "negspace")]
    file = tmp_path / "picture.png"
    file.write_bytes(content)
    texts = png.read(file)
    assert texts.receipt == whole.single(1)
    assert texts.parameters == infotext.write(infotext.from_receipt(whole, 1))
    with Image.open(file) as image:
        assert image.tobytes() == picture().tobytes()


def test_a_picture_of_an_earlier_version_gives_its_receipt(tmp_path: Path) -> None:
    earlier = receipt().single(0)
    image = earlier.images[0].model_copy(update={"negative_steps": 20})
    current = earlier.model_copy(
        update={"images": (image,), "terms": (TermRecord(term="hat", channel="own branch"),)}
    )
    fields = json.loads(current.to_json())
    fields["images"][0]["told"] = fields["images"][0].pop("negative_steps")
    fields["terms"][0]["told"] = fields["terms"][0].pop("channel")
    chunks = PngInfo()
    chunks.add_text("negspace", json.dumps(fields))
    file = tmp_path / "earlier.png"
    file.write_bytes(encoded(chunks))
    assert png.read(file).receipt == current


def test_the_infotext_tells_what_was_sent() -> None:
    assert infotext.write(infotext.from_receipt(receipt("a cat", "hat, blurry"), 1)) == (
        "a cat\nNegative prompt: hat, blurry\nSteps: 20, Sampler: DDIM, CFG scale: 4.5, Seed: 8, "
        "Size: 64x48, Model hash: 0123456789, Model: tiny, Version: negspace 0.1.0"
    )


def test_texts_travel_with_the_image_but_not_with_a_changed_copy(tmp_path: Path) -> None:
    image = picture()
    png.attach(image, png.text_chunks(receipt(), 0))
    for name in ("saved.png", "again.png"):
        image.save(tmp_path / name)
        assert png.read(tmp_path / name).receipt == receipt().single(0)
    image.save(tmp_path / "photo.jpg")
    image.resize((8, 8)).save(tmp_path / "small.png")
    with pytest.raises(OutputError, match="without infotext or receipt"):
        png.read(tmp_path / "small.png")


def test_a_picture_of_another_program_gives_its_infotext(tmp_path: Path) -> None:
    file = tmp_path / "other.png"
    chunks = PngInfo()
    chunks.add_text("parameters", "a castle\nSteps: 3, Sampler: Euler, Seed: 1")
    file.write_bytes(encoded(chunks))
    assert png.read(file) == png.PngTexts("a castle\nSteps: 3, Sampler: Euler, Seed: 1", None)


def test_files_without_texts_are_told_apart(tmp_path: Path) -> None:
    picture().save(tmp_path / "bare.png")
    picture().save(tmp_path / "photo.jpg")
    (tmp_path / "cut.png").write_bytes((tmp_path / "bare.png").read_bytes()[:70])
    (tmp_path / "notes.txt").write_text("no picture")
    expected = {
        "bare.png": "PNG without infotext or receipt",
        "photo.jpg": "not a PNG file",
        "cut.png": "cannot be read",
        "notes.txt": "not a PNG file",
        "missing.png": "no such file",
        ".": "is a folder",
    }
    for name, message in expected.items():
        with pytest.raises(OutputError, match=message) as caught:
            png.read(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["not json", "{}", json.dumps({"format": 99})])
def test_a_damaged_receipt_is_told(tmp_path: Path, text: str) -> None:
    chunks = PngInfo()
    chunks.add_text("negspace", text)
    file = tmp_path / "damaged.png"
    file.write_bytes(encoded(chunks))
    with pytest.raises(OutputError, match="its receipt cannot be read"):
        png.read(file)
