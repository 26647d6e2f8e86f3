"""`negspace policy`, and `--policy` of the commands that take a request."""

from pathlib import Path

from tests.cli.conftest import Cli

MINE = "name: mine\nversion: 1\nexplain: No hats here.\nlocked: true\n"
MINE += "avoid:\n- {term: hat, check: block}\n- scarf\n"


def test_list_and_show(cli: Cli) -> None:
    assert "quality-floor@1" in cli("policy", "list").out
    told = cli("policy", "show", "quality-floor")
    assert "extra fingers" in told.out and "quality-anatomy@1" in told.out
    assert cli("policy", "show", "brand-safety", "--json").json["avoid"][0]["locked"] is True
    assert cli("policy", "list", "--json").json["drawn-world"]["terms"] == 8


def test_check_tells_the_line(cli: Cli, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE)
    assert "mine@1 is valid, 2 terms, 2 locked" in cli("policy", "check", mine).out
    mine.write_text(MINE + "wieght: 2\n")
    wrong = cli("policy", "check", mine)
    assert wrong.code == 2 and "line 8: no key is called 'wieght'" in wrong.err


def test_diff_tells_what_changes(cli: Cli, tmp_path: Path) -> None:
    old, new = tmp_path / "old.yaml", tmp_path / "new.yaml"
    old.write_text(MINE)
    new.write_text(
        MINE.replace("version: 1", "version: 2").replace("check: block", "weight: 1.2") + "- cap\n"
    )
    lines = cli("policy", "diff", old, new).out.splitlines()
    assert lines == [
        "+ 'cap'",
        "~ 'hat': weight: 1.0 to 1.2",
        "~ 'hat': check: 'block' to 'none'",
        "~ version: 1 to 2",
    ]
    assert cli("policy", "diff", old, old).out == "they are the same\n"


def test_a_plan_tells_who_asked(cli: Cli, tiny_sd: Path) -> None:
    told = cli("plan", "a cat", "-a", "text, boat", "--policy", "quality-marks", "--model", tiny_sd)
    words = " ".join(told.out.split())
    assert "quality-marks@1, sha256" in words
    assert "text 1 user, quality-marks@1" in words and "boat 1 user" in words


def test_a_blocked_request_is_told_and_not_made(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE)
    asked = ("a cat with a hat", "--policy", mine, "--model", tiny_sd)
    planned = cli("plan", *asked)
    assert planned.code == 0 and "mine@1 blocks this request" in " ".join(planned.out.split())
    made = cli("imagine", *asked, "--out", tmp_path / "out")
    assert made.code == 2 and "No hats here." in made.err
    assert not (tmp_path / "out").exists()


def test_a_block_that_nobody_can_look_for_is_refused_before_anything_is_made(
    cli: Cli, tiny_sd: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE)
    asked = ("a red cat", "--policy", mine, "--model", tiny_sd)
    needs = "a judge that knows 'hat'; without one nothing is made"
    assert needs in " ".join(cli("plan", *asked).out.split())
    made = cli("imagine", *asked, "--out", tmp_path / "out")
    assert made.code == 2 and not (tmp_path / "out").exists()
    assert "no judge at hand can look for 'hat', which mine@1 blocks" in " ".join(made.err.split())
    mine.write_text(MINE + "unchecked: deliver\n")
    assert "needs" not in cli("plan", *asked).out


def test_what_is_made_under_a_policy_says_so(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(MINE + "unchecked: deliver\n")
    asked = ("a red cat", "-a", "(hat:0.1)", "--scale", 1, "-p", mine, "--model", tiny_sd, "--json")
    receipt = cli("imagine", *asked, "--out", tmp_path / "out").json["receipt"]
    assert receipt["scale"] == 4.0 and receipt["negative"]["text"] == "hat, scarf"
    assert receipt["terms"][0]["origins"] == ["mine@1", "user"]
    assert {"locked", "governed", "unchecked"} <= {finding["code"] for finding in receipt["findings"]}
