"""`negspace plan`: each term, how it is told, and what stands in its way, before anything is made."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli


def test_terms_and_findings_are_told(cli: Cli, tiny_sd: Path) -> None:
    told = cli("plan", "a cat, night", "--avoid", "(hat:1.3), zeppelin, night", "--model", tiny_sd)
    assert told.code == 0, told.err
    words = " ".join(told.out.split())
    assert "can act yes" in words
    assert "hat 1.3 negative branch yes about 1" in words
    assert "zeppelin 1 negative branch no: zeppelin" in words
    assert "'night' is also in the prompt" in words


def test_what_every_term_has_is_left_out(cli: Cli, tiny_sd: Path) -> None:
    plain = cli("plan", "a cat", "--avoid", "hat, text", "--model", tiny_sd).out
    assert "weight" not in plain
    assert "when" not in plain
    late = " ".join(cli("plan", "a cat", "--avoid", "hat, [text:0.5]", "--model", tiny_sd).out.split())
    assert "text 50% to 100% negative branch" in late


def test_an_inert_negative_is_told(cli: Cli, tiny_sd: Path) -> None:
    words = " ".join(cli("plan", "a cat", "-a", "hat", "--scale", 1, "--model", tiny_sd).out.split())
    assert "can act no: the scale is 1" in words
    assert "the negative can do nothing" in words


def test_json_is_the_plan(cli: Cli, tiny_sd: Path) -> None:
    told = cli("plan", "a cat", "--avoid", "[hat:0.5]", "--json", "--model", tiny_sd)
    assert told.json["terms"][0]["avoid"]["window"] == [0.5, 1.0]
    assert told.json["request"]["prompt"] == "a cat"
    assert told.json["acts"] is True


def test_defaults_come_from_the_model(cli: Cli, tiny_sd: Path) -> None:
    told = cli("plan", "a cat", "--json", "--model", tiny_sd).json
    assert (told["steps"], told["scale"], told["sampler"]) == (4, 4.0, "DPM++ 2M")
    told = cli("plan", "a cat", "--json", "--size", "128x64", "--sampler", "DDIM", "--model", tiny_sd).json
    assert (told["width"], told["height"], told["sampler"]) == (128, 64, "DDIM")


def test_both_texts_are_shown_in_two_dialects(cli: Cli, tiny_sd: Path) -> None:
    asked = ("plan", "a ((cat:1.5))", "--avoid", "[text]", "--to", "compel", "--model", tiny_sd)
    words = " ".join(cli(*asked).out.split())
    assert "prompt a ((cat:1.5)) in compel a (cat)1.6500000000000001" in words
    assert "negative [text] in compel (text)0.9090909090909091" in words
    told = cli(*asked, "--json").json["converted"]
    assert told["dialect"] == "compel" and told["positive"] == "a (cat)1.6500000000000001"


def test_what_the_other_dialect_cannot_say_is_told(cli: Cli, tiny_sd: Path) -> None:
    told = cli("plan", "a [cat:hat:0.5]", "--to", "comfy", "--model", tiny_sd)
    words = " ".join(told.out.split())
    assert told.code == 0 and "in comfy (cannot be said; see below)" in words
    assert "comfy has no schedules: write out what each step shows (prompt, characters 2 to 15)" in words
    (finding,) = cli("plan", "a [cat:hat:0.5]", "--to", "comfy", "--json", "--model", tiny_sd).json[
        "converted"
    ]["findings"]
    assert finding["span"] == [2, 15]
    wrong = cli("plan", "a cat", "--to", "comfi", "--model", tiny_sd)
    assert wrong.code == 2 and "did you mean 'comfy'" in wrong.err


def test_strict_refuses_what_is_else_found(cli: Cli, tiny_sd: Path) -> None:
    lenient = cli("plan", "a (cat:1.2.3)", "--model", tiny_sd)
    assert lenient.code == 0
    assert "'1.2.3' is not a weight" in lenient.out and "characters 7 to 12" in " ".join(lenient.out.split())
    strict = cli("plan", "a (cat:1.2.3)", "--strict", "--model", tiny_sd)
    assert strict.code == 2 and "prompt: '1.2.3' is not a weight" in strict.err
    assert "characters 7 to 12" in strict.err


def test_inline_forms_are_read_where_they_are_asked_for(cli: Cli, tiny_sd: Path) -> None:
    prompt = "a cat --no hat | text"
    told = cli("plan", prompt, "-a", "blurry", "--inline", "no", "--inline", "bar", "--model", tiny_sd)
    words = " ".join(told.out.split())
    assert "prompt a cat negative blurry, hat, text" in words
    assert "moved from the prompt (characters 11 to 14): hat" in words
    plain = cli("plan", prompt, "--json", "--model", tiny_sd).json
    assert plain["positive"] == prompt and plain["negative"] is None and plain["moved"] == []


def test_an_embedding_is_told_without_opening_the_model(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    fits, other = tmp_path / "bad-hands.safetensors", tmp_path / "other.safetensors"
    save_file({"emb_params": torch.ones(3, 32)}, fits)
    save_file({"emb_params": torch.ones(3, 40)}, other)
    named = ("plan", "a cat", "-a", "bad-hands, hat", "--model", tiny_sd, "--embedding")
    told = " ".join(cli(*named, fits).out.split())
    assert "embedding bad-hands: 3 tokens" in told and "bad-hands negative branch yes about 3" in told
    refused = cli(*named, other)
    assert refused.code == 2 and "vectors of 40, but tiny reads vectors of 32" in refused.err
    assert "no such embedding file" in cli(*named, tmp_path / "none.pt").err


@pytest.mark.parametrize(
    "option",
    [
        ("--lora", "none.safetensors"),
        ("--lora", "none"),
        ("--vae", "none"),
        ("--text-encoder", "none"),
        ("--text-encoder", "text_encoder_7=none"),
        ("--clip-skip", 99),
    ],
    ids=str,
)
def test_a_plan_refuses_the_files_that_a_picture_would_refuse(
    cli: Cli, tiny_sd: Path, option: tuple[str, object]
) -> None:
    arguments = ("a cat", "--model", tiny_sd, *option)
    planned, made = cli("plan", *arguments), cli("imagine", *arguments)
    assert planned.code == made.code == 2
    assert planned.out == "" and planned.err == made.err


def test_a_rule_is_a_text(cli: Cli, tiny_sd: Path) -> None:
    asked = ("plan", "a cat", "-a", "hat", "--model", tiny_sd, "--rule")
    told = cli(*asked, "cfg(scale=2, strength=window(0.17, 0.6))", "--json").json
    assert told["rule"] == "cfg(scale=2, strength=window(0.17, 0.6))" and told["scale"] == 2.0
    assert cli(*asked, "nag", "--json").json["terms"][0]["channel"] == "attention"
    for rule, why in (
        ("cfg(swale=3)", "swale"),
        ("nag(alpha=2)", "alpha must be a number from 0 to 1"),
        ("nog", "did you mean"),
        ("autoguidance", "needs a second, weaker network"),
    ):
        refused = cli(*asked, rule)
        assert refused.code != 0 and why in " ".join(refused.err.split())
