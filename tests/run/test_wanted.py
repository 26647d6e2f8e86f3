"""What must be seen in a picture: the subject of its prompt, and what requests and policies name."""

from collections.abc import Sequence

import pytest

import negspace as ns
from negspace.errors import PolicyError, RequestError
from negspace.planning.plan import Plan, plan
from negspace.policy.loading import parse_policy
from negspace.receipt import Receipt
from negspace.records import JudgeVerdict, Verdict
from negspace.request import Avoid, Request, Wanted
from negspace.run.attempts import Inspection
from negspace.run.escalation import Again, Attempt, Deliver, Limits, Withhold, decide, refuse_unchecked
from negspace.run.run import Run
from negspace.run.wanted import wanted_things
from tests.engine.families import FAMILIES
from tests.judges import Answering

FACTS = ns.ModelFacts(name="any")
CONCEPTS = ("hat", "snowman", "night")


def planned(check: str = "block", wanted: Sequence[str] = (), prompt: str = "a red snowman, night") -> Plan:
    hat = Avoid.from_dict({"term": "hat", "check": check})
    return plan(Request.from_dict({"prompt": prompt, "avoid": (hat,), "wanted": wanted, "seed": 5}), FACTS)


def verdicts(scores: dict[str, float] | None = None, **seen: Verdict) -> tuple[JudgeVerdict, ...]:
    scores = scores or {}
    return tuple(
        JudgeVerdict(concept=name, judge="test", verdict=verdict, score=scores.get(name), threshold=0.0)
        for name, verdict in seen.items()
    )


def attempt(made: Plan, *shown: JudgeVerdict) -> Attempt:
    return Attempt(made, shown, wanted_things(made, CONCEPTS, CONCEPTS.__contains__))


def test_the_subject_is_the_first_thing_of_the_prompt_that_a_judge_lists() -> None:
    (subject,) = wanted_things(planned(), CONCEPTS, CONCEPTS.__contains__)
    assert (subject.term, subject.check, subject.source) == ("snowman", "retry", "prompt")
    assert wanted_things(planned("flag"), CONCEPTS, CONCEPTS.__contains__)[0].check == "flag"
    for made in (planned("none"), planned(prompt="a teapot")):
        assert wanted_things(made, CONCEPTS, CONCEPTS.__contains__) == ()


def test_a_picture_that_lost_its_subject_does_not_pass_and_the_next_one_has_another_seed_alone() -> None:
    made = planned()
    lost = attempt(made, *verdicts(hat="absent", snowman="absent"))
    again = decide([lost], 5, FACTS, Limits(retries=1), 0.0)
    assert isinstance(again, Again) and again.plan.carried.avoid == made.carried.avoid
    assert again.plan.carried.seed != 5 and again.plan.scale == made.scale
    late = decide([lost] * 4, 5, FACTS, Limits(retries=9), 0.0)
    assert isinstance(late, Again) and late.plan.scale == made.scale
    last = decide([lost, lost], 5, FACTS, Limits(retries=1), 0.0)
    assert isinstance(last, Deliver)
    assert [(flag.term, flag.problem, flag.check) for flag in last.flags] == [("snowman", "missing", "retry")]


def test_attempts_are_ranked_by_what_is_wanted_too() -> None:
    made = planned("retry")
    both = attempt(made, *verdicts(hat="seen", snowman="absent"))
    lost = attempt(made, *verdicts(hat="absent", snowman="absent"))
    clear = attempt(made, *verdicts({"snowman": 3.0}, hat="seen", snowman="seen"))
    faint = attempt(made, *verdicts({"snowman": 0.5}, hat="seen", snowman="seen"))
    limits = Limits(retries=3)
    decision = decide([both, lost, faint, clear], 5, FACTS, limits, 0.0)
    assert isinstance(decision, Deliver) and decision.attempt == 3
    blocked = planned()
    wears = attempt(blocked, *verdicts({"snowman": 9.0}, hat="seen", snowman="seen"))
    bare = attempt(blocked, *verdicts(hat="absent", snowman="absent"))
    decision = decide([wears, bare, wears], 5, FACTS, Limits(retries=2), 0.0)
    assert isinstance(decision, Deliver) and decision.attempt == 1  # what is blocked never leaves


def test_a_named_thing_has_its_own_check() -> None:
    made = planned("flag", [{"term": "night", "check": "block"}])  # type: ignore[list-item]
    shown = verdicts(hat="absent", snowman="seen", night="absent")
    assert isinstance(decide([attempt(made, *shown)], 5, FACTS, Limits(retries=0), 0.0), Withhold)
    unknown = attempt(made, *verdicts(hat="absent", snowman="seen", night="unknown"))
    assert isinstance(decide([unknown], 5, FACTS, Limits(retries=5), 0.0), Withhold)
    with pytest.raises(PolicyError, match="no judge at hand can look for 'night', which user blocks"):
        refuse_unchecked(made, lambda concept: concept == "hat")
    nobody = attempt(planned("flag", ["moon"]), *verdicts(hat="absent", snowman="seen"))
    decision = decide([nobody], 5, FACTS, Limits(), 0.0)
    assert isinstance(decision, Deliver) and [flag.problem for flag in decision.flags] == ["unchecked"]


def test_policies_name_what_is_wanted_and_nothing_locked_can_be() -> None:
    policy = parse_policy(
        "name: p\nversion: 2\nexplain: x\nlocked: true\navoid: [{term: hat, also: [cap]}]\n"
        "wanted: [moon, {term: star, check: flag}]\n"
    )
    request = Request.from_dict(
        {"prompt": "a", "wanted": ["caps", "Stars", {"term": "sun", "source": "p@2"}]}
    )
    made = plan(request, FACTS, operator_policies=[policy])
    assert made.carried.wanted == (
        Wanted(term="moon", source="p@2"),
        Wanted(term="star", check="retry", source="p@2"),
        Wanted(term="sun"),
    )
    (conflict,) = [finding for finding in made.findings if finding.code == "conflict"]
    assert conflict.text == "'caps' of user is not looked for: 'hat' of p@2 is locked"


def test_wrong_things_are_named_with_their_line() -> None:
    with pytest.raises(PolicyError, match="line 4: no key is called 'chek'"):
        parse_policy("name: p\nversion: 1\nexplain: x\nwanted: [{term: moon, chek: flag}]\n")
    with pytest.raises(RequestError, match="Wanted: .*given: 3"):
        Request.from_dict({"prompt": "a", "wanted": [3]})
    assert Request.from_dict({"prompt": "a", "wanted": "moon"}).wanted == (Wanted(term="moon"),)


def test_the_receipt_says_what_was_looked_for_and_missed() -> None:
    network = FAMILIES["sd"]
    request = Request.from_dict(
        {"prompt": "a cat", "avoid": [{"term": "fog"}], "wanted": ["hat", "moon"], "steps": 2, "width": 32,
         "height": 32, "seed": 1, "sampler": "DDIM"}
    )  # fmt: skip
    inspection = Inspection(Answering(lambda _: "absent"), Limits(retries=1))
    result = Run(network, plan(request, network.facts), None, inspection=inspection).result()
    receipt = Receipt.from_json(result.receipt.to_json())
    hat, moon = receipt.wanted
    assert (hat.looked, hat.missing_before, hat.missing_after, moon.looked) == (1, 1, 1, 0)
    assert len(receipt.images[0].attempts) == 2 and receipt.single(0).wanted == receipt.wanted
    assert "hat [user] missing in 1 of 1 pictures at first and in 1 at last" in receipt.summary()
    assert "wanted and not seen: hat: absent" in receipt.summary() + "".join(receipt.images[0].flags)
