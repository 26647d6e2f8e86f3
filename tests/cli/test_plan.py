"""`negspace plan`: each term, how it is told, and what stands in its way, before anything is made."""

from pathlib import Path

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


def test_a_rule_is_a_text(cli: Cli, tiny_sd: Path) -> None:
    asked = ("plan", "a cat", "-a", "hat", "--model", tiny_sd, "--rule")
    told = cli(*asked, "cfg(scale=2, strength=window(0.17, 0.6))", "--json").json
    assert told["rule"] == "cfg(scale=2, strength=window(0.17, 0.6))" and told["scale"] == 2.0
    assert cli(*asked, "nag", "--json").json["terms"][0]["told"] == "attention"
    for rule, why in (
        ("cfg(swale=3)", "swale"),
        ("nag(alpha=2)", "alpha must be a number from 0 to 1"),
        ("nog", "did you mean"),
        ("autoguidance", "needs a second, weaker network"),
    ):
        refused = cli(*asked, rule)
        assert refused.code != 0 and why in " ".join(refused.err.split())
