"""LoRA files that requests add: for their own pictures alone, out of one folder, and told in the receipt."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

import negspace
from negspace import infotext
from negspace.errors import ModelError, PromptError, RequestError
from negspace.generate import Model
from negspace.models.files.source import Source
from negspace.models.lora.folder import lora_files
from negspace.request import LoraUse, Request
from tests.cli.conftest import Cli, cli
from tests.families.conftest import Place
from tests.loras.layouts import weights_of

__all__ = ["cli"]

ASK: dict[str, Any] = {"avoid": "hat", "seed": 3, "rule": "cfg", "scale": 2.0, "steps": 2}


def write(file: Path, place: Path, part: str, end: str, seed: int) -> None:
    """A file that changes the layers of a part whose names end so."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = {}
    for name, weight in weights_of(place, part).items():
        if name.endswith(f"{end}.weight"):
            out, into = weight.shape
            layer = f"{part}.{name.removesuffix('.weight')}"
            state[f"{layer}.lora_A.weight"] = torch.randn(2, into, generator=generator) * 0.3
            state[f"{layer}.lora_B.weight"] = torch.randn(out, 2, generator=generator) * 0.3
    assert state
    file.parent.mkdir(exist_ok=True, parents=True)
    save_file(state, file)


@pytest.fixture(scope="module")
def folder(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three files: of the UNet, of the text encoder, and in a folder within."""
    root = tmp_path_factory.mktemp("loras")
    write(root / "ink.safetensors", place("sd"), "unet", "to_q", 1)
    write(root / "words.safetensors", place("sd"), "text_encoder", "q_proj", 2)
    write(root / "more" / "deep.safetensors", place("sd"), "unet", "to_v", 3)
    return root


def opened(place: Place, **fields: Any) -> Model:
    return negspace.load(place("sd"), dtype="float32", device="cpu", **fields)


@pytest.fixture(scope="module")
def model(place: Place, folder: Path) -> Model:
    return opened(place, lora_dir=folder)


USES = [
    (LoraUse(name="ink", strength=0.8),),
    (LoraUse(name="words", strength=0.3, text_strength=0.9),),
    (LoraUse(name="ink"), LoraUse(name="deep", strength=-0.5), LoraUse(name="words")),
]


@pytest.mark.parametrize("uses", USES)
def test_a_request_gets_what_a_model_opened_with_the_files_gives(
    place: Place, folder: Path, model: Model, uses: tuple[LoraUse, ...]
) -> None:
    """Bit for bit, and its receipt says the same of them."""
    result = model.generate("a red cat", loras=uses, **ASK)
    files = lora_files(folder)
    strengths = [(files[use.name], use.in_text) for use in uses]  # "words" changes the text encoder alone
    whole = opened(place, lora=strengths).generate("a red cat", **ASK)
    assert torch.equal(result.latents, whole.latents)
    assert [(lora.name, lora.strength, lora.in_text) for lora in result.receipt.loras] == [
        (use.name, use.strength, use.in_text) for use in uses
    ]
    for lora, use in zip(result.receipt.loras, uses, strict=True):
        content = files[use.name].read_bytes()
        tensors = content[8 + int.from_bytes(content[:8], "little") :]
        assert lora.sha256 == hashlib.sha256(content).hexdigest()
        assert lora.short_hash == hashlib.sha256(tensors).hexdigest()[:12]


def test_lanes_with_other_loras_and_none_do_not_touch_each_other(model: Model) -> None:
    """Each picture is the one that its request gives alone, bit for bit; the base stays as it was."""
    before = model.generate("a red cat", **ASK).latents
    requests = [Request.from_dict({"prompt": "a red cat", "loras": uses, **ASK}) for uses in ((), *USES, ())]
    together = model.generate_all(requests)
    for request, result in zip(requests, together, strict=True):
        assert torch.equal(result.latents, model.generate_all([request])[0].latents)
    assert torch.equal(together[0].latents, before) and torch.equal(together[-1].latents, before)
    latents = [result.latents for result in together[:-1]]
    assert all(not torch.equal(a, b) for i, a in enumerate(latents) for b in latents[:i])


def test_threads_with_other_loras_do_not_touch_each_other(model: Model) -> None:
    asks = [(), *USES] * 3
    expected = {uses: model.generate("a red cat", loras=uses, **ASK).latents for uses in asks}
    wrong: list[tuple[LoraUse, ...]] = []

    def work(uses: tuple[LoraUse, ...]) -> None:
        rule = "pag" if len(uses) == 1 else "cfg"  # pag changes the network while it works
        made = model.generate("a red cat", loras=uses, **{**ASK, "rule": rule}).latents
        again = model.generate("a red cat", loras=uses, **ASK).latents
        if not torch.equal(again, expected[uses]) or (rule == "pag" and torch.equal(made, again)):
            wrong.append(uses)

    threads = [threading.Thread(target=work, args=(uses,)) for uses in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and not any(thread.is_alive() for thread in threads)


def test_nothing_is_read_again(place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is opened once; what a LoRA does not change is the same tensor."""
    model = opened(place, lora_dir=folder)
    monkeypatch.setattr("negspace.generate.open_network", None)
    base: Any = model.network()
    plan = model.plan(Request.from_dict({"prompt": "a cat", "loras": USES[0], **ASK}))
    run = model.run(plan)
    variant: Any = run.network
    assert model.run(plan).network is variant and model.network() is base
    own, other = (dict(network._parts.denoiser.named_parameters()) for network in (base, variant))
    changed = {name for name in own if own[name] is not other[name]}
    assert changed == {name for name in own if name.endswith("to_q.weight")}
    assert variant._parts.vae is base._parts.vae
    assert variant.encoder.fingerprint == base.encoder.fingerprint
    assert variant.fingerprint() != base.fingerprint()


def test_a_file_that_changes_is_read_as_it_is_now(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "ink.safetensors", place("sd"), "unet", "to_q", 1)
    model = opened(place, lora_dir=tmp_path)
    first = model.generate("a red cat", loras=USES[0], **ASK)
    write(tmp_path / "ink.safetensors", place("sd"), "unet", "to_q", 9)
    second = model.generate("a red cat", loras=USES[0], **ASK)
    assert not torch.equal(first.latents, second.latents)
    assert first.receipt.loras[0].sha256 != second.receipt.loras[0].sha256
    write(tmp_path / "late.safetensors", place("sd"), "unet", "to_v", 2)
    assert model.generate("a red cat", loras=[LoraUse(name="late")], **ASK).receipt.loras[0].name == "late"


# Names


@pytest.mark.parametrize("name", ["../ink", "/etc/passwd", "ink.safetensors", "more/../ink", "INK", "."])
def test_a_name_is_looked_up_and_never_followed(model: Model, folder: Path, name: str) -> None:
    with pytest.raises(RequestError, match="no LoRA is called"):
        model.plan(Request(prompt="a cat", loras=(LoraUse(name=name),)))


def test_a_name_that_is_not_there_lists_what_is_near(model: Model) -> None:
    with pytest.raises(RequestError, match=r"^no LoRA is called 'inc'; did you mean 'ink'\?$"):
        model.plan(Request(prompt="a cat", loras=(LoraUse(name="inc"),)))
    with pytest.raises(RequestError, match=r"there are: deep, ink, more/deep, words$"):
        model.plan(Request(prompt="a cat", loras=(LoraUse(name="zzzz"),)))


def test_files_of_one_name_are_told_apart_by_their_folders(folder: Path, tmp_path: Path) -> None:
    for name in ("a/x", "b/x", "y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.safetensors").touch()
    assert sorted(lora_files(tmp_path)) == ["a/x", "b/x", "y"]
    assert set(lora_files(folder)) == {"ink", "words", "deep", "more/deep"}
    with pytest.raises(ModelError, match="there is no folder of LoRA files at"):
        lora_files(tmp_path / "none")


def test_without_a_folder_the_request_is_refused(place: Place) -> None:
    with pytest.raises(RequestError, match=r"'ink': no folder of LoRA files is given.*--lora-dir"):
        opened(place).generate("a cat", loras=[LoraUse(name="ink")], **ASK)


def test_a_lora_of_another_model_ends_the_request_and_not_the_model(place: Place, tmp_path: Path) -> None:
    write(tmp_path / "wide.safetensors", place("sdxl"), "unet", "to_q", 1)
    model = opened(place, lora_dir=tmp_path)
    with pytest.raises(RequestError, match="LoRA 'wide.safetensors' is for another model: this one has no "):
        model.generate("a cat", loras=[LoraUse(name="wide")], **ASK)
    assert model.generate("a cat", **ASK).images


def test_weights_that_move_cannot_be_shared(place: Place, folder: Path) -> None:
    with pytest.raises(ModelError, match="LoRA files of requests exclude model offload"):
        opened(place, lora_dir=folder, savings=["model offload"])


# Where they are named and told


@pytest.mark.parametrize(
    ("dialect", "prompt", "expected"),
    [
        ("compel", "a red cat withLora(ink, 0.8)", [("ink", 0.8, 0.8)]),
        ("a1111", "a red cat<lora:ink:0.8>", [("ink", 0.8, 0.8)]),
        (
            "a1111",
            "a red cat<lora:ink><lora:more/deep:te=0.5:unet=-0.2>",
            [("ink", 1, 1), ("more/deep", -0.2, 0.5)],
        ),
        ("a1111", "a red cat<lora:words:0.4:0.9>", [("words", 0.9, 0.4)]),
    ],
)
def test_a_prompt_names_files_and_again_makes_the_same_picture(
    model: Model, place: Place, dialect: str, prompt: str, expected: list[tuple[str, float, float]]
) -> None:
    request = {"dialect": dialect, **ASK}
    result = model.generate(prompt, **request)
    assert [(lora.name, lora.strength, lora.in_text) for lora in result.receipt.loras] == expected
    uses = [LoraUse(name=name, strength=strength, text_strength=text) for name, strength, text in expected]
    direct = model.generate("a red cat", loras=uses, **request)
    assert torch.equal(result.latents, direct.latents)
    assert torch.equal(model.again(result.receipt).latents, result.latents)
    bare = opened(place).plan(Request.from_dict({"prompt": prompt, **request}))
    assert not bare.loras and {"lora"} == {finding.code for finding in bare.findings} & {"lora"}


def test_the_receipt_and_the_infotext_tell_them(model: Model) -> None:
    result = model.generate("a red cat", loras=USES[1], **ASK)
    (lora,) = result.receipt.loras
    line = next(line for line in result.receipt.summary().splitlines() if line.startswith("lora "))
    assert line == f"lora      words x0.3, text encoders x0.9, sha256 {lora.sha256[:12]}"
    info = infotext.from_receipt(result.receipt, 0)
    assert info.settings["Lora hashes"] == f"words: {lora.short_hash}"
    assert infotext.read(infotext.write(info)).settings == info.settings
    assert json.loads(result.receipt.to_json())["loras"][0]["short_hash"] == lora.short_hash


def test_strict_reading_takes_what_is_carried_out_and_refuses_what_is_not(place: Place, model: Model) -> None:
    request = Request.from_dict({"prompt": "a cat <lora:ink:0.8>", "reading": "strict", **ASK})
    plan = model.plan(request)
    assert [str(use) for use in plan.loras] == ["ink x0.8"]
    assert not [finding for finding in plan.findings if finding.code in ("lora", "tag")]
    with pytest.raises(PromptError, match="not carried out: <lora:ink:0.8>"):
        opened(place).plan(request)


def test_the_command_line_takes_a_folder(place: Place, folder: Path, cli: Cli) -> None:
    options = ("--model", place("sd"), "--lora-dir", folder, "--json")
    assert cli("plan", "a cat <lora:ink:0.8>", *options).json["loras"][0]["strength"] == 0.8
    refused = cli("plan", "a cat <lora:inc>", *options)
    assert refused.code != 0 and "no LoRA is called 'inc'; did you mean 'ink'?" in refused.err


def test_the_facts_name_them(place: Place, folder: Path) -> None:
    from negspace.models.catalogue import read_facts

    assert read_facts(Source(place("sd"), lora_dir=folder)).loras == ("deep", "ink", "more/deep", "words")
    assert read_facts(Source(place("sd"))).loras is None


@pytest.mark.parametrize("change", ["overwritten", "deleted"])
def test_a_plan_runs_with_the_files_it_was_made_for_or_not_at_all(
    place: Place, tmp_path: Path, change: str
) -> None:
    """As with embeddings: a file that changes between plan and run is one clear line."""
    write(tmp_path / "ink.safetensors", place("sd"), "unet", "to_q", 1)
    model = opened(place, lora_dir=tmp_path)
    plan = model.plan(Request(prompt="a cat <lora:ink:0.8>", seed=1, steps=1))
    model.run(plan)
    if change == "deleted":
        (tmp_path / "ink.safetensors").unlink()
    else:
        write(tmp_path / "ink.safetensors", place("sd"), "unet", "to_v", 9)
    with pytest.raises(RequestError, match="changed since the plan|not there any more"):
        model.run(plan)
