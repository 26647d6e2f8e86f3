"""Pictures to start from, as values: what is read of a file, what JSON carries, what is refused."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from negspace.errors import RequestError
from negspace.pixels import Pixels, read_holes, read_mask, read_picture
from negspace.request import Request, Start
from tests.pictures import declared, file, gradient, half, plain, start, text


def same(pixels: Pixels, image: Image.Image) -> bool:
    return pixels.image().tobytes() == image.tobytes() and pixels.image().mode == image.mode


# What is read


def test_a_picture_is_its_pixels_whatever_the_file() -> None:
    there = gradient()
    read = [read_picture(file(there, kind)) for kind in ("PNG", "BMP")]
    read.append(read_picture(file(there, "WEBP", lossless=True)))
    assert all(one == read[0] for one in read) and same(read[0], there)
    assert read[0].sha256 == hashlib.sha256(there.tobytes()).hexdigest()
    assert abs(np.asarray(read_picture(file(there, "JPEG")).image()).astype(int) - there).mean() < 20


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    grey = half(4, 2)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    else:
        image = grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    read = np.asarray(read_picture(file(image, kind, **({"quality": 100} if kind == "JPEG" else {}))).image())
    assert read.shape == (2, 4, 3)
    assert read[:, 0].max() <= 2 and read[:, 3].min() >= 253


def test_what_is_transparent_lies_on_white() -> None:
    red = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    red.putpixel((1, 0), (0, 0, 0, 0))
    red.putpixel((2, 0), (0, 0, 0, 128))
    levels = np.asarray(read_picture(file(red)).image())[0].tolist()
    assert levels[:2] == [[255, 0, 0], [255, 255, 255]] and levels[2] == [127, 127, 127]


def test_a_photograph_stands_upright() -> None:
    lying = gradient(16, 8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees to see it
    read = read_picture(file(lying, "PNG", exif=exif))
    assert (read.width, read.height) == (8, 16)
    assert same(read, lying.transpose(Image.Transpose.ROTATE_270))


def test_masks_are_read_by_brightness_or_by_what_is_opaque() -> None:
    assert same(read_mask(file(half(4, 2))), half(4, 2))
    assert same(read_mask(file(half(4, 2).convert("RGB"))), half(4, 2))
    painted = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    painted.paste((0, 0, 0, 255), (2, 0, 4, 2))
    assert same(read_mask(file(painted)), half(4, 2))
    assert same(read_holes(file(painted)), half(4, 2, (255, 0)))
    assert same(read_holes(file(gradient(4, 2))), plain(0, 4, 2))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no picture"),
        (b"GIF89a", "no picture|cannot be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
        (file(gradient())[:200], "cannot be read"),
        (file(gradient(), "TIFF"), "no picture"),
        (declared(50_000, 50_000), "too large"),
        (declared(8192, 8192), "too large"),
        (declared(8, 8), "cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(content: bytes, message: str) -> None:
    for read in (read_picture, read_mask, read_holes):
        with pytest.raises(RequestError, match=message) as caught:
            read(content)
        assert "\n" not in str(caught.value)


@given(st.binary(max_size=60), st.integers(0, 400), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_read_or_refused_and_nothing_else(noise: bytes, at: int, kind: str) -> None:
    whole = bytearray(file(gradient(8, 8), kind))
    at %= len(whole)
    whole[at : at + len(noise)] = noise
    try:
        read = read_picture(bytes(whole))
    except RequestError:
        return
    assert read.image().size == (read.width, read.height)


# What JSON carries


def test_a_request_with_pictures_comes_back_from_json() -> None:
    request = Request.from_dict({"prompt": "a", "start": start(half(), strength=0.5)})
    assert Request.from_json(request.to_json()) == request
    assert "data" not in repr(request)
    named = request.without_pixels()
    assert Request.from_json(named.to_json()) == named and len(named.to_json()) < 1200
    assert named.start is not None and named.start.picture.data is None and named.start.mask is not None
    assert named.start.picture.sha256 == hashlib.sha256(gradient().tobytes()).hexdigest()
    with pytest.raises(RequestError, match="only named"):
        named.start.picture.image()
    assert Request(prompt="a").without_pixels() == Request(prompt="a")


@pytest.mark.parametrize("head", ["", "data:image/png;base64,", "data:image/png;name=x;base64,"])
def test_a_text_is_the_file_in_base64(head: str) -> None:
    request = Request.from_dict(
        {"prompt": "a", "start": {"picture": head + text(gradient()), "mask": head + text(half())}}
    )
    assert request == Request.from_dict({"prompt": "a", "start": start(half())})
    assert request.size == (64, 64)


OTHER = Pixels.of(plain(3)).model_dump()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": {}}, "picture: Field required"),
        ({"start": {"picture": "%%%"}}, "base64"),
        ({"start": {"picture": base64.b64encode(b"text").decode()}}, "no picture"),
        ({"start": start(strength=0)}, "strength"),
        ({"start": start(strength=1.01)}, "strength"),
        ({"start": start(strength=float("nan"))}, "strength"),
        ({"start": start(half(32, 64))}, "mask: it is 32x64 and the picture 64x64"),
        ({"start": start(), "width": 128}, "the picture is 64x64 and size 128x64"),
        ({"start": start(), "height": 128}, "the picture is 64x64 and size 64x128"),
        ({"start": {"picture": OTHER}}, "mode is L"),
        ({"start": {**start(), "mask": start()["picture"]}}, "mode is RGB"),
        ({"start": {"picture": OTHER | {"width": 32}}}, "not those of this mode"),
        ({"start": {"picture": OTHER | {"sha256": "ab" * 32}}}, "not those of this mode"),
        ({"start": {"picture": OTHER | {"sha256": "../../x"}}}, "sha256"),
        ({"start": start(half()) | {"more": 1}}, "more"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        Request.from_dict({"prompt": "a"} | fields)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@given(st.integers(1, 1000), st.floats(0, 1, exclude_min=True))
def test_a_share_of_the_steps_is_taken(steps: int, strength: float) -> None:
    value = Start.from_dict(start(strength=strength))
    if steps * strength < 1 - 1e-6:
        with pytest.raises(RequestError, match="less than one step"):
            value.skipped(steps)
    else:
        taken = steps - value.skipped(steps)
        assert 1 <= taken <= steps and abs(taken - steps * strength) < 1


def test_a_share_is_not_cut_by_binary_fractions() -> None:
    assert 0.29 * 100 < 29 and Start.from_dict(start(strength=0.29)).skipped(100) == 71


def test_a_file_of_no_such_name(tmp_path: Path) -> None:
    from negspace.pixels import read_file

    with pytest.raises(RequestError, match="cannot read"):
        read_file(tmp_path / "none.png")
