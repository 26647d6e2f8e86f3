"""The folder of LoRA files that requests may name. Needs no torch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from negspace.errors import ModelError, RequestError
from negspace.models.files.headers import read_header
from negspace.records import LoraRecord
from negspace.request import LoraUse

_SHORT = 12
"""Digits of a hash in infotexts of AUTOMATIC1111."""


@dataclass(frozen=True)
class AddedLora:
    """A LoRA file and how strongly it acts.

    Attributes:
        name: what it is called.
        file: where it lies.
        strength: in the network that makes the picture.
        text_strength: in the text encoders.
    """

    name: str
    file: Path
    strength: float
    text_strength: float

    @property
    def label(self) -> str:
        """How strongly it acts, in words."""
        text = "" if self.text_strength == self.strength else f" (text encoders x{self.text_strength:g})"
        return f"lora x{self.strength:g}{text}"

    def record(self) -> LoraRecord:
        """Its record in a receipt; reads the whole file.

        AUTOMATIC1111 knows a LoRA by the sha256 of its tensors, which its metadata may give.
        """
        content = self.file.read_bytes()
        tensors = memoryview(content)[8 + int.from_bytes(content[:8], "little") :]
        known = read_header(self.file).metadata.get("sshs_model_hash")
        return LoraRecord(
            name=self.name,
            strength=self.strength,
            text_strength=self.text_strength,
            sha256=hashlib.sha256(content).hexdigest(),
            short_hash=(known or hashlib.sha256(tensors).hexdigest())[:_SHORT],
        )


def lora_files(folder: str | Path) -> dict[str, Path]:
    """The LoRA files of a folder and the folders in it, by name.

    A file's name is its own without the ending; "style/ink" is also that of "ink.safetensors" in the folder
    "style", and the only one where two files have the same. Nothing outside of the folder has a name.

    Raises:
        ModelError: there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ModelError(f"there is no folder of LoRA files at {str(root)!r}")
    files = sorted(root.rglob("*.safetensors"))
    stems = [file.stem for file in files]
    own = {file.stem: file for file in files if stems.count(file.stem) == 1}
    return own | {file.relative_to(root).with_suffix("").as_posix(): file for file in files}


def lora_names(folder: str | Path | None) -> tuple[str, ...] | None:
    """The names of `lora_files`; None where there is no folder.

    Raises:
        ModelError: there is no such folder.
    """
    return None if folder is None else tuple(sorted(lora_files(folder)))


def lora_stamps(uses: Sequence[LoraUse], folder: str | Path | None) -> tuple[str, ...]:
    """The files as they are now, for a plan: size and time of each."""
    files = lora_files(folder) if uses and folder is not None else {}
    return tuple(_stamp(files[use.name]) for use in uses if use.name in files)


def added_loras(
    uses: Sequence[LoraUse], stamps: Sequence[str], folder: str | Path | None
) -> tuple[AddedLora, ...]:
    """The files that a plan names.

    Args:
        uses, stamps: of the plan; () where it does not know the files.
        folder: of the files.

    Raises:
        RequestError: one is not there any more, or not as it was when the plan was made.
    """
    files = lora_files(folder) if uses and folder is not None else {}
    for use in uses:
        if use.name not in files:
            raise RequestError(f"LoRA {use.name!r} is not there any more; it was when the plan was made")
    for use, stamp in zip(uses, stamps, strict=False):
        if stamp != _stamp(files[use.name]):
            raise RequestError(
                f"the file of LoRA {use.name!r} has changed since the plan was made; plan again"
            )
    return tuple(AddedLora(use.name, files[use.name], use.strength, use.in_text) for use in uses)


def _stamp(file: Path) -> str:
    stat = file.stat()
    return f"{stat.st_size}-{stat.st_mtime_ns}"
