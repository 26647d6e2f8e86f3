"""Every tensor of a file is read, known to carry nothing, or named by the refusal of the file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from negspace.errors import ModelError
from negspace.models.files.leftovers import unread
from negspace.models.files.source import Source
from negspace.models.hardware import choose_placement
from negspace.models.loading.opening import open_network
from tests.model_files.conftest import Place
from tests.model_files.kinds import bare
from tests.model_files.original import State, flux_whole, open_clip, original, tensors, write_state

FILES: dict[str, tuple[str, Callable[[Path], State]]] = {
    **{f: (f, lambda folder, f=f: original(f, folder)) for f in ("sd", "sdxl", "sd3", "chroma", "z-image")},
    "qwen-image": ("qwen-image", lambda folder: original("qwen-image", folder)),
    "flux": ("flux", flux_whole),
    "sd3, no prefix": ("sd3", lambda folder: bare(original("sd3", folder))),
    "unet of diffusers": ("sdxl", lambda folder: tensors(folder / "unet")),
    "transformer of diffusers": ("sd3", lambda folder: tensors(folder / "transformer")),
}
"""(family, writer) of whole models and denoisers, by kind."""

PARTS: dict[str, tuple[str, str, Callable[[Path], State]]] = {
    "vae of diffusers": ("sd", "vae", lambda folder: tensors(folder / "vae")),
    "vae of its makers": (
        "sd",
        "vae",
        lambda folder: {
            name.removeprefix("first_stage_model."): value
            for name, value in original("sd", folder).items()
            if name.startswith("first_stage_model.")
        },
    ),
    "clip of transformers": ("sd", "text_encoder", lambda folder: tensors(folder / "text_encoder")),
    "clip of openai": (
        "sdxl",
        "text_encoder_2",
        lambda folder: open_clip(tensors(folder / "text_encoder_2")),
    ),
    "t5": ("flux", "text_encoder_2", lambda folder: tensors(folder / "text_encoder_2")),
}
"""(family, part, writer) of files that take a part's place."""

ODD = "odd_one.weight"
EXAMPLES = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def opened(source: Source) -> None:
    open_network(source, choose_placement("float32", "cpu"))


def beside(state: State, share: float) -> str:
    """A name that no model knows, in the same place as one of these; `share` of the way through them."""
    names = sorted(state)
    parent, _, _ = names[int(share * len(names))].rpartition(".")
    return f"{parent}.{ODD}" if parent else ODD


@pytest.mark.parametrize("kind", FILES)
@EXAMPLES
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_tensor_that_no_part_of_a_model_reads_is_named(
    place: Place, tmp_path: Path, kind: str, share: float
) -> None:
    family, write = FILES[kind]
    state = write(place(family))
    name = beside(state, share)
    file = write_state(state | {name: torch.ones(2)}, tmp_path / "mine.safetensors")
    with pytest.raises(ModelError, match=r"mine\.safetensors'.*odd_one"):
        opened(Source(file, place(family)))


@pytest.mark.parametrize("kind", PARTS)
@EXAMPLES
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_tensor_that_a_swapped_part_does_not_read_is_named(
    place: Place, tmp_path: Path, kind: str, share: float
) -> None:
    family, part, write = PARTS[kind]
    state = write(place(family))
    file = write_state(state | {beside(state, share): torch.ones(2)}, tmp_path / "mine.safetensors")
    with pytest.raises(ModelError, match=r"mine\.safetensors'.*odd_one"):
        if part == "vae":
            opened(Source(place(family), vae=file))
        else:
            opened(Source(place(family), text_encoders=((part, file),)))


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_a_tensor_that_a_part_of_a_folder_does_not_read_is_named(
    place: Place, tmp_path: Path, part: str
) -> None:
    folder = Path(shutil.copytree(place("sd"), tmp_path / "mine"))
    (file,) = (folder / part).glob("*.safetensors")
    write_state(tensors(folder / part) | {ODD: torch.ones(2)}, file)
    with pytest.raises(ModelError, match=rf"mine/{part}'.*odd_one"):
        opened(Source(folder))


def test_a_part_that_the_config_has_not_is_named(place: Place, tmp_path: Path) -> None:
    """Stable Diffusion 3 with T5 in the file, and a config of one without."""
    file = write_state(original("sd3", place("sd3")), tmp_path / "mine.safetensors")
    config = Path(shutil.copytree(place("sd3"), tmp_path / "without"))
    index = config / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"text_encoder_3": [None, None]}))
    with pytest.raises(
        ModelError, match=r"mine\.safetensors' holds text_encoder_3, which its config '.*without' lacks"
    ):
        opened(Source(file, config))


def test_what_makers_keep_and_nothing_reads_is_let_pass(place: Place, tmp_path: Path) -> None:
    kept = {
        "cond_stage_model.logit_scale": torch.tensor(4.6),
        "cond_stage_model.transformer.text_projection.weight": torch.eye(4),
        "first_stage_model.loss.discriminator.main.0.weight": torch.ones(2),
    }
    file = write_state(original("sd", place("sd")) | kept, tmp_path / "mine.safetensors")
    opened(Source(file, place("sd")))


@given(
    shapes=st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=6),
    data=st.data(),
)
def test_what_is_cut_joined_and_turned_counts_as_read(shapes: list[list[int]], data: st.DataObject) -> None:
    state = {str(number): torch.zeros(shape) for number, shape in enumerate(shapes)}
    kept = data.draw(st.sets(st.sampled_from(sorted(state))))

    def translate(held: State) -> dict[str, State]:
        cut = [held[name].reshape(-1).chunk(2)[0] for name in sorted(kept)]
        return {
            "joined": {"all": torch.cat(cut)} if len(cut) > 1 else {},
            "cut": dict(zip("a", cut, strict=False)),
        }

    assert set(unread(translate, state)) == set(state) - kept
