"""`negspace imagine` under a policy with checks, and what its exit code says."""

from pathlib import Path

from negspace.judge import Calibration, ConceptDetector, Quality
from tests.cli.conftest import Cli

POLICY = "name: {name}\nversion: 1\nexplain: Mine.\navoid:\n- {{term: {term}, check: block}}\n"


def test_what_a_check_withholds_leaves_a_receipt_and_its_own_exit_code(
    cli: Cli, tiny_sd: Path, tmp_path: Path
) -> None:
    """A calibration that sees noise in every picture."""
    sees = tmp_path / "sees.json"
    calibration = Calibration(judge="quality", made_for=Quality().weights())
    calibration.with_concept("noise", ConceptDetector(threshold=-1.0)).write(sees)
    mine = tmp_path / "mine.yaml"
    mine.write_text(POLICY.format(name="mine", term="noise"))
    who = f"quality@{sees}"
    asked = ("imagine", "a cat", "--model", tiny_sd, "--steps", 2, "--policy", mine, "--judge", who)
    out = tmp_path / "out"
    told = cli(*asked, "--retries", 1, "--out", out, "--grid")
    assert told.code == 3 and "withheld" in told.out
    assert [file.suffix for file in out.iterdir()] == [".json"]
    said = cli(*asked, "--retries", 0, "--out", out, "--json")
    assert said.code == 3 and said.json["pictures"] == []
    (withheld,) = said.json["receipt"]["withheld"]
    assert len(withheld["attempts"]) == 1 and withheld["delivered"] is None
    assert said.json["receipt"]["judge"]["name"] == "quality"


def test_what_passes_is_delivered(cli: Cli, tiny_sd: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(POLICY.format(name="mine", term="letterbox"))
    asked = ("imagine", "a cat", "--model", tiny_sd, "--steps", 2, "--policy", mine, "--judge", "quality")
    told = cli(*asked, "--out", tmp_path / "out", "--json")
    assert told.code == 0 and len(told.json["pictures"]) == 1
    (term,) = told.json["receipt"]["terms"]
    assert (term["looked"], term["seen_after"], term["effect"]) == (1, 0, "active")


def test_a_judge_that_is_not_there_is_a_mistake_and_nothing_is_made(
    cli: Cli, tiny_sd: Path, tmp_path: Path
) -> None:
    asked = ("imagine", "a cat", "--model", tiny_sd, "--out", tmp_path / "out")
    told = cli(*asked, "--judge", "nobody")
    assert told.code == 2 and "no judge is called 'nobody'" in told.err
    assert cli(*asked, "--retries", -1).code == 2
    assert not (tmp_path / "out").exists()
