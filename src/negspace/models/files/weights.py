"""Files of weights of every kind: what they hold, and their tensors as floats."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from negspace.errors import ModelError
from negspace.models.files.gguf import ENDING, read_gguf, read_gguf_header
from negspace.models.files.headers import Header, TensorHeader, read_header
from negspace.models.files.pickles import PICKLED, read_pickle
from negspace.models.files.quantised import check_quantised, dequantised

if TYPE_CHECKING:
    from torch import Tensor

_IDLE = re.compile(
    r"model_ema\..*|(?:.*\.)?(?:position_ids|num_batches_tracked)"
    r"|global_step|epoch|iteration|step|v_pred|ztsnr|edm_mean|edm_std"
    r"|(?:sqrt_|log_)?(?:one_minus_|recip_|recipm1_)?alphas_cumprod(?:_prev)?|betas|logvar|lvlb_weights"
    r"|posterior_\w+|(?:denoiser|edm_vpred)\.sigma\w*"
    r"|text_encoders\.[^.]+\.(?:logit_scale|spiece_model|tekken_model)"
)
"""Names of tensors that no network reads: averages and counters of training, noise levels that settings of
the scheduler give, places of tokens."""


def read_contents(file: Path, allow_pickle: bool = False) -> Header:
    """What a file holds; of a pickle, after reading it.

    Raises:
        ModelError: it is damaged, was not allowed, or keeps its weights in a way that is not read here.
    """
    if file.suffix in PICKLED:
        tensors = read_pickle(file, allow_pickle)
        return Header({name: TensorHeader("F32", tuple(value.shape)) for name, value in tensors.items()}, {})
    if is_gguf(file):
        return read_gguf_header(file)
    header = read_header(file)
    check_quantised(
        file, {name: tensor for name, tensor in header.tensors.items() if not _IDLE.fullmatch(name)}
    )
    return header


def read_weights(file: Path, allow_pickle: bool = False) -> "dict[str, Tensor]":
    """The tensors of a file by name, as floats, without those that no network reads.

    Raises:
        ModelError: as `read_contents`.
    """
    if file.suffix in PICKLED:
        state = read_pickle(file, allow_pickle)
    elif is_gguf(file):
        state = read_gguf(file)
    else:
        state = _read_safetensors(file)
    return dequantised({name: value for name, value in state.items() if not _IDLE.fullmatch(name)}, file)


def _read_safetensors(file: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    read_contents(file)
    try:
        return load_file(file)
    except (OSError, SafetensorError, RuntimeError, MemoryError) as error:
        raise ModelError(f"cannot read {str(file)!r}: {' '.join(str(error).split())[:200]}") from None


def is_gguf(file: Path) -> bool:
    """Whether a file is of that format, by its ending or its first letters."""
    if file.suffix == ENDING:
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(4) == b"GGUF"
    except OSError:
        return False
