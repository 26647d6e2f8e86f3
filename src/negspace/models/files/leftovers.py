"""No tensor of a file is lost where its names are translated: what nothing reads is known, or refused."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from negspace.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

    State = dict[str, Tensor]

_NEVER_READ = re.compile(
    r"(?:cond_stage_model\.|conditioner\.embedders\.\d\.)?(?:model\.)?"
    r"(?:logit_scale|text_projection|visual\..+|transformer\.resblocks\.\d+\.\w+(?:\.\w+)*[._](?:weight|bias))"
    r"|(?:first_stage_model\.|vae\.)?loss\..+"
)
"""What makers keep in their files and no picture is made with: the scale, the projection and the last layer
of a CLIP, where they are not read, what sees pictures, and the losses of an autoencoder's training."""


def unread(translate: "Callable[[State], Mapping[str, State]]", state: "State") -> list[str]:
    """Names of the tensors that no tensor of any part holds a value of after a translation.

    Every tensor is stood for by one of its shape that is filled with its number and takes no memory. The
    numbers that come out, whole, cut, joined or turned, are those of the tensors that are read.

    Args:
        translate: tensors by name, of a file, to tensors by name, of each part; it reads no values.
    """
    import torch

    names = list(state)
    numbered = {
        name: torch.full((), number, dtype=torch.int32).expand(state[name].shape)
        for number, name in enumerate(names)
    }
    read = {number for part in translate(numbered).values() for v in part.values() for number in _numbers(v)}
    return [name for number, name in enumerate(names) if number not in read]


def refuse_unread(
    translate: "Callable[[State], Mapping[str, State]]",
    state: "State",
    place: Path,
    known: Collection[str] = (),
) -> None:
    """Stop where a translation would leave tensors behind that are not known to carry nothing.

    Args:
        translate: as in `unread`.
        place: of the file, for people.
        known: names of more tensors that carry nothing.

    Raises:
        KeyError, RuntimeError..: as `translate`.
        ModelError: some are left; one is named.
    """
    left = [
        name for name in unread(translate, state) if name not in known and not _NEVER_READ.fullmatch(name)
    ]
    if left:
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        raise ModelError(f"{str(place)!r} holds {min(left)}{more}, which nothing in such a model reads")


def _numbers(value: "Tensor") -> Iterator[int]:
    """The numbers in a tensor; one that still takes no memory has the same everywhere."""
    if not value.numel():
        return
    if any(value.stride()):
        yield from value.unique().tolist()
    else:
        yield int(value[(0,) * value.dim()].item())
