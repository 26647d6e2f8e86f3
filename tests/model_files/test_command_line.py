"""What is told of a model before it is opened, and the command lines that ask for it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from negspace.models.catalogue import FAMILIES, read_facts
from negspace.models.files.source import Source
from negspace.models.loading.estimate import estimate
from tests.cli.conftest import Cli, cli
from tests.model_files.conftest import Place
from tests.model_files.original import tensors, write_single

__all__ = ["cli"]


def values(folder: Path) -> dict[str, int]:
    """Values of every part, counted from the tensors themselves."""
    parts = {file.parent for file in folder.glob("*/*.safetensors")}
    return {part.name: sum(one.numel() for one in tensors(part).values()) for part in parts}


@pytest.mark.parametrize("family", [family.name for family in FAMILIES.values()])
def test_memory_is_known_from_the_headers(place: Place, family: str) -> None:
    found, counted = estimate(Source(place(family))), values(place(family))
    assert found is not None and found.parts == counted
    assert found.bytes("float32") == 4 * sum(counted.values()) == 2 * found.bytes("bfloat16")
    one_by_one = estimate(Source(place(family), savings=("model offload",)))
    assert one_by_one is not None and one_by_one.bytes("float32") == 4 * max(counted.values())
    by_layers = estimate(Source(place(family), savings=("sequential offload",)))
    assert by_layers is not None and by_layers.bytes("float32") <= one_by_one.bytes("float32")


def test_memory_of_a_file_is_its_own(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "mine.safetensors"
    write_single("sd", place("sd"), file)
    found = estimate(Source(file, config=place("sd")))
    assert found is not None and list(found.parts) == ["whole"]
    assert found.parts["whole"] == sum(values(place("sd")).values())


def test_models_are_told_in_a_table_and_as_json(cli: Cli, place: Place, offline: Path) -> None:
    folders = [place(family.name) for family in FAMILIES.values()]
    told = " ".join(cli("models", *folders).out.split())
    assert all(family.name in told for family in FAMILIES.values())
    known: dict[str, Any] = cli("models", *folders, "--json").json
    assert [one["family"] for one in known.values()] == [family.name for family in FAMILIES.values()]
    assert all(one["a_negative"] and one["memory"]["float32"] > 0 for one in known.values())
    assert known[str(place("flux"))]["absent"] == "none"
    one = " ".join(cli("models", place("sdxl")).out.split())
    assert "none given means zeros" in one and "also takes sizes" in one and "memory" in one
    assert cli("models").code == 0


def test_a_distilled_model_says_what_a_negative_can_do(cli: Cli, place: Place, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(place("flux"), tmp_path / "schnell"))
    (copy / "negspace.json").write_text("{}")
    assert read_facts(copy).distilled
    assert "acts through nag or vsf in its attention; a second branch does harm" in " ".join(
        cli("models", copy).out.split()
    )
    told = cli("plan", "a cat", "--avoid", "hat", "--model", copy).out
    assert "nag acts on what is avoided in the attention layers" in " ".join(told.split())
    cfg = ("plan", "a cat", "--avoid", "hat", "--model", copy, "--route", "true-cfg", "--json")
    assert cli(*cfg).json["rule"] == "cfg"


def test_everything_can_be_asked_for_on_the_command_line(cli: Cli, place: Place, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from tests.model_files.test_parts import lora, weights_of

    state = weights_of(place("sd"), "unet")
    name = next(key for key in state if key.endswith("to_q.weight"))
    layer = f"unet.{name.removesuffix('.weight')}"
    save_file(lora({layer: state[name]}, ("lora_A.weight", "lora_B.weight")), tmp_path / "style.safetensors")
    file = tmp_path / "mine.safetensors"
    write_single("sd", place("sd"), file)
    asked = ["a cat", "--model", file, "--model-config", place("sd"), "--steps", "1"]
    more = ["--lora", f"{tmp_path / 'style.safetensors'}:0.5", "--save-memory", "vae slicing"]
    text = ["--text-encoder", f"text_encoder={place('sd') / 'text_encoder'}", "--allow-pickle"]
    told = cli("imagine", *asked, *more, *text, "--out", tmp_path / "out", "--json")
    assert told.code == 0, told.err
    assert told.json["receipt"]["model"]["name"] == "mine"
    memory = cli("plan", *asked, "--json").json["memory"]
    assert memory["float32"] == 4 * sum(values(place("sd")).values())


@pytest.mark.parametrize("command", ["imagine", "plan", "prove", "compare", "models", "rules", "serve"])
def test_every_command_that_opens_a_model_takes_the_same_options(cli: Cli, command: str) -> None:
    told = cli(command, "--help").out
    options = ("--text-encoder", "--lora", "--lora-dir", "--model-config", "--allow-pickle", "--save-memory")
    assert all(option in told for option in options)


@pytest.fixture
def single(place: Place, tmp_path: Path) -> tuple[object, ...]:
    """Options for a model in one file with a LoRA."""
    from safetensors.torch import save_file

    from tests.model_files.test_parts import lora, weights_of

    state = weights_of(place("sd"), "unet")
    name = next(key for key in state if key.endswith("to_q.weight"))
    layer = f"unet.{name.removesuffix('.weight')}"
    save_file(lora({layer: state[name]}, ("lora_A.weight", "lora_B.weight")), tmp_path / "style.safetensors")
    write_single("sd", place("sd"), tmp_path / "mine.safetensors")
    lora_and_config = ("--lora", f"{tmp_path / 'style.safetensors'}:0.5", "--model-config", place("sd"))
    return ("--model", tmp_path / "mine.safetensors", *lora_and_config)


def test_a_proof_is_of_the_model_with_its_parts(cli: Cli, single: tuple[object, ...], tmp_path: Path) -> None:
    asked = ("prove", "a cat", "--avoid", "hat", "--judge", "person", "--scale", 1, "--steps", 1)
    told = cli(*asked, *single, "--out", tmp_path / "with", "--json")
    assert told.code == 0, told.err
    without = cli(*asked, *single[:2], *single[4:], "--out", tmp_path / "without", "--json")
    assert told.json["model"] == without.json["model"] == "mine"
    assert told.json["fingerprint"] != without.json["fingerprint"]


def test_a_comparison_is_of_models_with_their_parts(
    cli: Cli, single: tuple[object, ...], tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    shutil.copy(tmp_path / "mine.safetensors", other)
    axis = f"model={tmp_path / 'mine.safetensors'}; {other}"
    told = cli("compare", "a cat", *single, "-x", axis, "--steps", 1, "--out", tmp_path / "out", "--json")
    assert told.code == 0, told.err
    receipts = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert len(receipts) == 2
    assert json.dumps(receipts).count("lora x0.5 style.safetensors") == 2


def test_rules_and_models_read_one_file_too(cli: Cli, single: tuple[object, ...], place: Place) -> None:
    assert cli("rules", *single, "--json").code == 0
    whole = ("models", single[1], "--model-config", place("sd"), "--json")
    plain, saving = cli(*whole).json, cli(*whole, "--save-memory", "model offload").json
    assert plain.keys() == saving.keys() and plain[str(single[1])]["family"] == "sd"


def test_a_server_may_be_told_its_model_on_the_command_line(
    cli: Cli, single: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("negspace.serve.run.run", served.append)
    assert cli("serve", *single).code == 0
    (settings,) = served
    ((name, source),) = settings.models.items()
    assert name == "mine" and source.loras[0][1] == 0.5 and source.config is not None
    told = cli("serve", *single[2:])
    assert (told.code, told.err.count("\n")) == (2, 1) and "need --model" in told.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--lora", "style.safetensors:strong"], "is not a weight; write FILE:0.8"),
        (["--lora", "missing.safetensors"], "missing.safetensors"),
        (["--text-encoder", "nowhere"], "there is no text encoder at 'nowhere'"),
        (["--save-memory", "wishing"], "no way to save memory is called 'wishing'"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    cli: Cli, place: Place, tmp_path: Path, options: list[str], said: str
) -> None:
    told = cli("imagine", "a cat", "--model", place("sd"), *options, "--out", tmp_path / "out")
    assert (told.code, told.err.count("\n")) == (2, 1) and said in told.err
    assert not (tmp_path / "out").exists()


def test_json_of_models_is_json(cli: Cli, place: Place) -> None:
    json.loads(cli("models", place("sd3"), "--json").out)
