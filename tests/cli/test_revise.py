"""`negspace revise` as users call it."""

from negspace.request import Avoid
from tests.cli.conftest import Cli


def test_complaints_in_turn_change_the_list(cli: Cli) -> None:
    asked = ("revise", "lose the hat, and it is too dark", "there is still a hat", "--avoid", "(blurry:1.2)")
    told = cli(*asked)
    assert told.code == 0 and "avoid: (blurry:1.2), (hat:1.62), (dark:0.8)" in told.out
    assert "to be looked for: 'hat'" in told.out and "1.62, retry" in told.out
    said = cli(*asked, "--json").json
    terms = [Avoid.from_dict(one) for one in said["avoid"]]
    assert [(one.term, one.check) for one in terms][:2] == [("blurry", "none"), ("hat", "retry")]
    assert [one["direction"] for one in said["changes"]][0] == "avoid"
    assert said["changes"][0]["before"] is None and said["changes"][0]["after"]["term"] == "hat"


def test_what_says_nothing_changes_nothing(cli: Cli) -> None:
    told = cli("revise", "hm", "--avoid", "blurry")
    assert (
        "nothing changed" in told.out
        and "'hm' was not understood" in told.out
        and "avoid: blurry" in told.out
    )


def test_a_text_that_cannot_be_read_is_a_mistake(cli: Cli) -> None:
    wrong = cli("revise", "too dark " * 400)
    assert wrong.code == 2 and "2,000" in wrong.err and "Traceback" not in wrong.err
