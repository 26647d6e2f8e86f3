"""200 damaged models: each is one clear error, soon and in little memory, and nothing is left behind."""

import gc
import io
import json
import random
import shutil
import struct
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import negspace
from negspace.errors import ModelError
from tests.model_files.conftest import Place
from tests.model_files.original import write_single

SECONDS = 5.0
MEGABYTES = 500
KINDS = 10
EACH = 20
IN_THE_GATE = 3

Opening = dict[str, Any]
Damage = Callable[[random.Random, Path], Opening]
"""(numbers, a copy of a model's folder, to be damaged) to what else is told when it is opened."""


def weights(folder: Path, numbers: random.Random) -> Path:
    return numbers.choice(sorted(folder.rglob("*.safetensors")))


def header_of(file: Path) -> tuple[dict[str, Any], bytes]:
    content = file.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def rewrite(file: Path, header: dict[str, Any], body: bytes) -> None:
    told = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(told)) + told + body)


def cut_off(numbers: random.Random, folder: Path) -> Opening:
    file = weights(folder, numbers)
    content = file.read_bytes()
    file.write_bytes(content[: numbers.randrange(len(content))])
    return {}


def header_of_another_length(numbers: random.Random, folder: Path) -> Opening:
    file = weights(folder, numbers)
    content = file.read_bytes()
    length = numbers.choice([0, 2**63, 2**40, 99_999_999, len(content), numbers.randrange(1, 64)])
    file.write_bytes(struct.pack("<Q", length) + content[8:])
    return {}


def changed_tensor(numbers: random.Random, folder: Path) -> Opening:
    """Another dtype, a huge or negative shape, places beyond the file."""
    file = weights(folder, numbers)
    header, body = header_of(file)
    header.pop("__metadata__", None)
    entry = header[numbers.choice(sorted(header))]
    match numbers.randrange(5):
        case 0:
            entry["dtype"] = numbers.choice(["I8", "U8", "F13", "F64", None, "BOOL", 7])
        case 1:
            entry["shape"] = [2 ** numbers.randrange(30, 60)] * numbers.randrange(1, 4)
        case 2:
            entry["shape"] = [-1, *entry["shape"]]
        case 3:
            entry["data_offsets"] = [0, 2**50]
        case _:
            entry["data_offsets"] = [numbers.randrange(1, 2**20), "end"]
    rewrite(file, header, body)
    return {}


def huge_and_consistent(numbers: random.Random, folder: Path) -> Opening:
    """A file that says of itself, in full agreement, that it holds more than there is."""
    file = weights(folder, numbers)
    count = 2 ** numbers.randrange(33, 45)
    rewrite(file, {"weight": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}, b"\0" * 64)
    return {}


def foreign(numbers: random.Random, folder: Path) -> Opening:
    """Another part's weights, noise, text, or nothing."""
    file = weights(folder, numbers)
    match numbers.randrange(4):
        case 0:
            others = [one for one in sorted(folder.rglob("*.safetensors")) if one.parent != file.parent]
            file.write_bytes(numbers.choice(others).read_bytes())
        case 1:
            file.write_bytes(numbers.randbytes(numbers.randrange(1, 4096)))
        case 2:
            file.write_text("<html>404: this is not the file that you are looking for</html>")
        case _:
            file.write_bytes(b"")
    return {}


def missing_tensors(numbers: random.Random, folder: Path) -> Opening:
    from safetensors.torch import load_file, save_file

    file = weights(folder, numbers)
    state = load_file(file)
    for name in numbers.sample(sorted(state), numbers.randrange(1, 4)):
        del state[name]
    save_file(state, file, {"format": "pt"})
    return {}


def link_out_of_the_folder(numbers: random.Random, folder: Path) -> Opening:
    file = weights(folder, numbers) if numbers.random() < 0.7 else folder / "unet" / "config.json"
    outside = folder.parent / f"outside-{file.name}"
    file.rename(outside)
    file.symlink_to(outside)
    return {}


def settings_amiss(numbers: random.Random, folder: Path) -> Opening:
    file = numbers.choice(sorted(folder.glob("*/config.json")))
    match numbers.randrange(4):
        case 0:
            file.write_text(numbers.choice(["", "{", "[]", "null", "[" * 100_000]))
        case 1:
            wide = {"block_out_channels": [2**16, 2**17], "hidden_size": 2**16, "intermediate_size": 2**17}
            file.write_text(json.dumps(json.loads(file.read_text()) | wide))
        case 2:
            file.unlink()
        case _:
            file.write_text(json.dumps({"_class_name": "Nothing"}))
    return {}


def pickled(numbers: random.Random, folder: Path) -> Opening:
    """Bombs and programs in place of a part's weights, opened as if its owner trusted them."""
    import torch

    file = weights(folder, numbers)
    content = io.BytesIO()
    match numbers.randrange(5):
        case 0:  # a bomb: a gigabyte of zeros in a megabyte
            with (
                zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
                archive.open("a/data.pkl", "w") as entry,
            ):
                for _ in range(64):
                    entry.write(b"\0" * 2**20)
        case 1:  # a program
            with zipfile.ZipFile(content, "w") as archive:
                archive.writestr("a/data.pkl", b"\x80\x02cos\nsystem\nX\x04\0\0\0exit\x85R.")
        case 2:  # a program that only allocates
            with zipfile.ZipFile(content, "w") as archive:
                archive.writestr("a/data.pkl", b"\x80\x02cbuiltins\nbytearray\nJ\0\0\0\x7f\x85R.")
        case 3:
            torch.save({"weight": torch.zeros(4)}, content)
            content.truncate(numbers.randrange(1, len(content.getvalue())))
        case _:  # another model's tensors
            torch.save({"weight": torch.zeros(4)}, content)
    file.with_suffix(".bin").write_bytes(content.getvalue())
    file.unlink()
    return {"allow_pickle": numbers.random() < 0.8}


def damaged_single(numbers: random.Random, folder: Path) -> Opening:
    """A whole model in one file, cut off, changed or of another family than its config."""
    file = folder.parent / "single.safetensors"
    write_single("sd", folder, file)
    content = file.read_bytes()
    match numbers.randrange(3):
        case 0:
            file.write_bytes(content[: numbers.randrange(len(content))])
        case 1:
            header, body = header_of(file)
            name = numbers.choice(sorted(header))
            header[f"other.{name}"] = header.pop(name)
            rewrite(file, header, body)
        case _:
            file.write_bytes(numbers.randbytes(256) + content[256:])
    return {"place": file, "config": folder}


DAMAGES: tuple[Damage, ...] = (
    cut_off,
    header_of_another_length,
    changed_tensor,
    huge_and_consistent,
    foreign,
    missing_tensors,
    link_out_of_the_folder,
    settings_amiss,
    pickled,
    damaged_single,
)


def forget_peak() -> None:
    """Count the most memory that this process takes from now on; Linux alone can."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Megabytes that this process has taken at most since `forget_peak`."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


@dataclass(frozen=True)
class Refusal:
    """What opening a damaged model came to.

    Attributes:
        said: the error.
        seconds: of processor time.
        megabytes: taken on top of what was taken before.
    """

    said: str
    seconds: float
    megabytes: float


def refused(damage: Damage, number: int, folder: Path) -> Refusal:
    """Damage a copy of a model and open it.

    Raises:
        AssertionError: it opened.
    """
    opening = damage(random.Random(f"{damage.__name__} {number}"), folder)
    place = opening.pop("place", folder)
    gc.collect()
    forget_peak()
    before, began = peak(), time.process_time()
    try:
        negspace.load(place, dtype="float32", device="cpu", **opening)
    except ModelError as error:
        return Refusal(str(error), time.process_time() - began, peak() - before)
    raise AssertionError(f"{damage.__name__} {number}: it opened")


@pytest.fixture
def copies(place: Place, tmp_path: Path) -> Callable[[], Iterator[Path]]:
    """Copies of a model's folder, one at a time."""

    def made() -> Iterator[Path]:
        while True:
            shutil.copytree(place("sd"), tmp_path / "sd", symlinks=True)
            yield tmp_path / "sd"
            for one in tmp_path.iterdir():
                shutil.rmtree(one) if one.is_dir() else one.unlink()

    return made


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_one_clear_error(
    damage: Damage, copies: Callable[[], Iterator[Path]], place: Place
) -> None:
    """The first of each of ten kinds. Time is that of the processor: the machine may be busy."""
    assert_each_is_refused(damage, range(IN_THE_GATE), copies, place)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_200_damaged_models_are_refused(
    damage: Damage, copies: Callable[[], Iterator[Path]], place: Place
) -> None:
    assert len(DAMAGES) * EACH == 200 and len(DAMAGES) == KINDS
    assert_each_is_refused(damage, range(IN_THE_GATE, EACH), copies, place)


def assert_each_is_refused(
    damage: Damage, numbers: range, copies: Callable[[], Iterator[Path]], place: Place
) -> None:
    """Every damaged copy is one line of error, soon and in little memory."""
    negspace.load(place("sd"), dtype="float32", device="cpu")
    for number, folder in zip(numbers, copies(), strict=False):
        found = refused(damage, number, folder)
        assert "\n" not in found.said and 20 < len(found.said) < 700, found.said
        assert found.seconds < SECONDS, (number, found)
        assert found.megabytes < MEGABYTES, (number, found)
