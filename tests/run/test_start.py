"""Pictures to start from under a lock: looked at first, and what was done is said."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

import negspace as ns
from negspace.errors import PolicyError, RequestError
from negspace.planning.plan import Plan
from negspace.policy.loading import parse_policy
from negspace.receipt import Receipt
from negspace.records import Verdict
from negspace.request import Request, Start
from negspace.run.attempts import Inspection
from negspace.run.start import with_checked_start
from tests.judges import Answering
from tests.pictures import gradient, half, start

FACTS = ns.ModelFacts(name="m", scale=4.0)


def locking(check: str = "none", more: str = "") -> ns.policy.Policy:
    return parse_policy(
        f"name: p\nversion: 1\nexplain: x\nlocked: true\navoid: [{{term: hat, check: {check}{more}}}]\n"
    )


def planned(policy: ns.policy.Policy | None, mask: Image.Image | None = None, strength: float = 0.5) -> Plan:
    request = Request.from_dict(
        {"prompt": "a cat", "steps": 4, "seed": 3, "start": start(mask, strength=strength)}
    )
    return ns.plan(request, FACTS, operator_policies=[policy] if policy else [])


def checked(plan: Plan, answer: Callable[[Image.Image], Verdict] | None) -> Plan:
    return with_checked_start(plan, FACTS, Inspection(None if answer is None else Answering(answer)))


def left_is_kept(picture: Image.Image) -> Verdict:
    """A hat in the left half, wherever that half is not grey."""
    return "absent" if picture.getpixel((2, 2)) == (128, 128, 128) else "seen"


def right_is_kept(picture: Image.Image) -> Verdict:
    """A hat in the right half, wherever that half is not grey."""
    return "absent" if picture.getpixel((60, 2)) == (128, 128, 128) else "seen"


def strength_of(plan: Plan) -> float:
    assert plan.carried.start is not None
    return plan.carried.start.strength


def test_a_picture_without_it_is_used_as_asked_and_that_it_was_looked_at_is_told() -> None:
    plan = checked(planned(locking("block")), lambda _: "absent")
    assert strength_of(plan) == 0.5
    assert "the start picture was looked at first for 'hat'" in [finding.text for finding in plan.findings]


def test_without_locked_terms_or_with_nothing_left_of_it_nobody_looks() -> None:
    for plan in (planned(None), planned(locking("block"), strength=1.0)):
        assert checked(plan, lambda _: "seen") is plan


@pytest.mark.parametrize("answer", ["seen", "unknown"])
def test_a_picture_that_may_show_it_leaves_nothing_of_itself_and_a_block_refuses_it(answer: Verdict) -> None:
    plan = checked(planned(locking("retry")), lambda _: answer)
    assert strength_of(plan) == 1.0
    (told,) = [
        finding for finding in plan.findings if finding.text.startswith("strength is 1 instead of 0.5")
    ]
    assert "hat" in told.text and told.level == "warning"
    assert plan.request.start is not None and plan.request.start.strength == 0.5
    with pytest.raises(PolicyError, match="'hat' is locked by p@1, and the start picture may show it"):
        checked(planned(locking("block")), lambda _: answer)


def test_what_a_mask_keeps_is_refused_and_what_it_redraws_is_redrawn_whole() -> None:
    """The mask redraws the right half and keeps the left one."""
    with pytest.raises(PolicyError, match="what the mask keeps of the start picture may show it"):
        checked(planned(locking(), half()), left_is_kept)
    for check in ("none", "block"):
        assert strength_of(checked(planned(locking(check), half()), right_is_kept)) == 1.0


def test_nobody_to_look_is_no_permission() -> None:
    assert strength_of(checked(planned(locking()), None)) == 1.0
    with pytest.raises(PolicyError, match="no judge at hand can look for 'hat'"):
        checked(planned(locking(), half()), None)
    accepted = locking("block", ", unchecked: deliver")
    assert strength_of(checked(planned(accepted), None)) == 0.5


@pytest.mark.parametrize(("answer", "strength"), [("absent", 0.5), ("seen", 1.0)])
def test_the_receipt_says_what_was_done_and_again_makes_the_same_picture(
    tiny_sd: Path, answer: Verdict, strength: float
) -> None:
    own = Start.from_dict(start(strength=0.5))
    model = ns.load(tiny_sd, dtype="float32", judge=Answering(lambda _: answer))
    request = Request(prompt="a cat", seed=3, steps=4, start=own)
    result = model.run(model.plan(request, operator_policies=[locking()])).result()
    receipt = Receipt.from_json(result.receipt.to_json())
    assert receipt.start is not None and receipt.start.strength == strength
    assert receipt.steps_taken == 4 * strength and f"strength {strength:g}" in receipt.summary()
    assert torch.equal(model.again(receipt, start=own).latents, result.latents)
    with pytest.raises(RequestError, match="which its receipt does not carry; give it as `start`"):
        model.again(receipt)
    other = Start.from_dict({"picture": ns.Pixels.of(gradient().rotate(90))})
    with pytest.raises(RequestError, match="not the picture, or not the mask, that the receipt names"):
        model.again(receipt, start=other)
    plain = model.generate("a cat", seed=3, steps=4, operator_policies=[locking()])
    assert torch.equal(result.latents, plain.latents) == (answer == "seen")
