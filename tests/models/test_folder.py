"""Model folders: what is read without weights, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import negspace
from negspace.errors import ModelError, RequestError
from negspace.guidance import RULES
from negspace.models.catalogue import read_facts
from negspace.models.files.source import EMBEDDED, find_folder


@pytest.fixture
def copy(tiny_sd: Path, tmp_path: Path) -> Path:
    """The settings of the tiny folder, without its weights, free to be changed."""
    leave_out = shutil.ignore_patterns("*.safetensors")
    return Path(shutil.copytree(tiny_sd, tmp_path / "copy", ignore=leave_out))


def rewrite(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_facts_come_from_the_settings(tiny_sd: Path) -> None:
    facts = read_facts(tiny_sd)
    assert (facts.name, facts.family, facts.prediction) == ("tiny", "sd", "epsilon")
    assert (facts.width, facts.height, facts.multiple) == (64, 64, 16)
    assert (facts.steps, facts.scale, facts.sampler) == (4, 4.0, "DPM++ 2M")
    (encoder,) = facts.encoders
    assert (encoder.window, encoder.chunk) == (77, 75)
    assert encoder.words is not None and "cat" in encoder.words and "zebra" not in encoder.words


def test_v_prediction_is_a_fact(tiny_sd_v: Path) -> None:
    assert read_facts(tiny_sd_v).prediction == "v_prediction"


def test_a_network_hosts_the_rules_that_it_has_the_places_for(copy: Path) -> None:
    assert set(read_facts(copy).rules) == set(RULES)
    rewrite(copy / "unet" / "config.json", mid_block_type="UNetMidBlock2D")
    assert set(RULES) - set(read_facts(copy).rules) == {"pag", "seg"}
    plain = {"down_block_types": ["DownBlock2D"] * 2, "up_block_types": ["UpBlock2D"] * 2}
    rewrite(copy / "unet" / "config.json", **plain)
    bare = read_facts(copy)
    assert not {"nag", "vsf", "slg", "pag"} & set(bare.rules) and {"cfg", "autoguidance"} <= set(bare.rules)
    with pytest.raises(RequestError, match=r"tiny cannot host rule nag, which needs cross-attention"):
        negspace.plan(negspace.Request(prompt="a cat", rule="nag"), bare)


def test_a_folder_without_our_own_file_has_its_name_and_no_known_words(copy: Path) -> None:
    (copy / "negspace.json").unlink()
    facts = read_facts(copy)
    assert facts.name == "copy" and facts.encoders[0].words is None and facts.scale == 7.5


def test_facts_need_neither_weights_nor_torch(copy: Path) -> None:
    code = (
        "import sys; from negspace.models.catalogue import read_facts; import negspace.models.samplers;"
        f"print(read_facts({str(copy)!r}).name, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["tiny", "False"]


def test_the_embedded_model_lies_in_the_package() -> None:
    place = Path(negspace.__file__).parent / EMBEDDED
    if not (place / "model_index.json").is_file():
        with pytest.raises(ModelError, match="embedded"):
            find_folder(EMBEDDED)
    else:
        assert find_folder(EMBEDDED).path == place


def test_nothing_a_file_and_another_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no model at"):
        read_facts(tmp_path / "nowhere")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="damaged"):
        read_facts(tmp_path / "model.safetensors")
    save_file({"weight": np.zeros(2, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="single file of no known model; it holds weight"):
        read_facts(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"no model_index.json, but model.safetensors"):
        read_facts(tmp_path)


def test_another_family_is_refused_by_its_name(copy: Path) -> None:
    rewrite(copy / "model_index.json", _class_name="MarigoldDepthPipeline")
    with pytest.raises(ModelError, match=r"MarigoldDepthPipeline.*StableDiffusionPipeline"):
        read_facts(copy)


def test_another_prediction_is_refused(copy: Path) -> None:
    rewrite(copy / "scheduler" / "scheduler_config.json", prediction_type="sample")
    with pytest.raises(ModelError, match=r"'sample'.*v_prediction"):
        read_facts(copy)


@pytest.mark.parametrize("content", ["", "{", "[1]"])
def test_settings_that_are_not_json_are_refused(copy: Path, content: str) -> None:
    (copy / "unet" / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"unet.*JSON") as caught:
        read_facts(copy)
    assert "\n" not in str(caught.value)


def test_missing_settings_are_refused(copy: Path) -> None:
    (copy / "vae" / "config.json").unlink()
    with pytest.raises(ModelError, match=r"cannot read .*vae.*config.json"):
        read_facts(copy)


@pytest.mark.parametrize("change", [{"block_out_channels": None}, {"sample_size": "large"}])
def test_settings_of_another_shape_are_refused(copy: Path, change: dict[str, object]) -> None:
    rewrite(copy / "unet" / "config.json", **change)
    with pytest.raises(ModelError, match="unet"):
        read_facts(copy)


def test_the_shipped_folder_says_nothing_of_where_it_was_made() -> None:
    for file in find_folder(EMBEDDED).path.rglob("*.json"):
        text = file.read_text()
        assert "_name_or_path" not in text and "is_local" not in text, file.name
