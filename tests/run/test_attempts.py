"""Pictures that are looked at, made again and withheld: on the tiny model, with a judge that does as it is
told.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import negspace as ns
from negspace.engine import Engine
from negspace.errors import PolicyError, RequestError
from negspace.generate import Model
from negspace.policy.loading import parse_policy
from negspace.receipt import Receipt
from negspace.records import Verdict
from negspace.request import Avoid, Request
from negspace.run.escalation import Limits, retry_seed
from negspace.run.run import Run
from tests.judges import Answering

STEPS = 3


def run_of(model: Model, request: Request) -> Run:
    return model.run(model.plan(request))


def digest(picture: Image.Image) -> str:
    return hashlib.sha256(picture.tobytes()).hexdigest()


def model(tiny_sd: Path, answer: Callable[[Image.Image], Verdict], retries: int = 2) -> Model:
    return ns.load(tiny_sd, dtype="float32", judge=Answering(answer), limits=Limits(retries=retries))


def asked(check: str, n: int = 1, seed: int = 3) -> Request:
    hat = Avoid.from_dict({"term": "hat", "check": check})
    return Request(prompt="a cat", avoid=(hat, Avoid(term="blurry")), seed=seed, n=n, steps=STEPS)


def half(picture: Image.Image) -> Verdict:
    """Seen in about half of all pictures, and always the same in the same one."""
    return "seen" if int(digest(picture), 16) % 2 else "absent"


def test_what_passes_is_what_an_unwatched_run_makes(tiny_sd: Path) -> None:
    looked = run_of(model(tiny_sd, lambda _: "absent"), asked("block", 2)).result()
    plain = run_of(ns.load(tiny_sd, dtype="float32"), asked("none", 2)).result()
    assert torch.equal(looked.latents, plain.latents)
    assert [image.attempts[0].verdicts[0].verdict for image in looked.receipt.images] == ["absent"] * 2
    assert looked.receipt.judge is not None and looked.receipt.judge.name == "answering"
    assert not looked.receipt.withheld and plain.receipt.images[0].attempts == ()
    hat, blurry = looked.receipt.terms
    assert (hat.looked, hat.seen_before, hat.seen_after, blurry.looked) == (2, 0, 0, 0)
    assert (hat.effect, hat.steps) == ("active", 2 * STEPS)


def test_a_block_that_is_always_seen_keeps_every_picture_back_and_the_receipt_leaves(tiny_sd: Path) -> None:
    result = run_of(model(tiny_sd, lambda _: "seen"), asked("block", 2)).result()
    receipt = Receipt.from_json(result.receipt.to_json())
    assert result.images == () and len(result.latents) == 0 and receipt.images == ()
    assert [image.seed for image in receipt.withheld] == [3, 4]
    first = receipt.withheld[0]
    assert [one.seed for one in first.attempts] == [3, retry_seed(3, 1), retry_seed(3, 2)]
    assert first.delivered is None and first.flags
    assert sum(receipt.evaluations.values()) == 2 * 3 * 2 * STEPS  # pictures, attempts, branches, steps
    assert [finding.code for finding in receipt.findings].count("withheld") == 2
    assert "2 more withheld" in receipt.summary() and "after 3 attempts" in receipt.summary()
    assert (receipt.terms[0].seen_before, receipt.terms[0].seen_after) == (2, 2)


def test_retries_do_not_know_of_company_and_what_leaves_is_clean(tiny_sd: Path) -> None:
    """Picture i of n is the picture that seed + i gives alone, its attempts included."""
    watched = model(tiny_sd, half)
    together = watched.run(watched.plan(asked("block", 6))).result()
    assert all(half(image) == "absent" for image in together.images)
    tries = [len(image.attempts) for image in (*together.receipt.images, *together.receipt.withheld)]
    assert max(tries) > 1 >= min(tries)
    kept = {image.seed: image.sha256 for image in together.receipt.images}
    for seed in range(3, 9):
        alone = watched.run(watched.plan(asked("block", seed=seed))).result()
        assert [image.sha256 for image in alone.receipt.images] == ([kept[seed]] if seed in kept else [])
    images = [digest(image) for image in together.images]
    assert images == [image.sha256 for image in together.receipt.images]


def test_the_receipt_alone_makes_the_picture_again(tiny_sd: Path) -> None:
    watched = model(tiny_sd, half)
    result = watched.run(watched.plan(asked("block", 6))).result()
    receipt = Receipt.from_json(result.receipt.to_json())
    late = next(number for number, image in enumerate(receipt.images) if image.delivered)
    for number in (0, late):
        one = receipt.single(number)
        again = watched.again(one)
        assert again.receipt.images[0].sha256 == receipt.images[number].sha256
        assert one.terms[0].looked == 1
    with pytest.raises(RequestError, match="does not say how"):
        watched.again(receipt.model_copy(update={"carried": None}))


def test_a_retry_that_never_helps_delivers_with_a_flag(tiny_sd: Path) -> None:
    result = run_of(model(tiny_sd, lambda _: "seen"), asked("retry")).result()
    (image,) = result.receipt.images
    assert len(result.images) == 1 and image.delivered == 0 and len(image.attempts) == 3
    assert image.flags[0].startswith("retry: hat: seen")
    assert "flagged" in [finding.code for finding in result.receipt.findings]


def test_a_judge_that_fails_keeps_a_blocked_picture_back_at_once(tiny_sd: Path) -> None:
    watched = model(tiny_sd, lambda _: "unknown")
    result = watched.run(watched.plan(asked("block"))).result()
    assert not result.images and len(result.receipt.withheld[0].attempts) == 1


def test_a_block_that_nobody_can_look_for_is_refused_or_said_where_that_is_accepted(tiny_sd: Path) -> None:
    def scarf(**fields: Any) -> Request:
        return Request(prompt="a cat", avoid=(Avoid(term="scarf", **fields),), steps=STEPS)

    for own in (ns.load(tiny_sd, dtype="float32"), model(tiny_sd, half)):
        with pytest.raises(PolicyError, match="no judge at hand can look for 'scarf', which user blocks"):
            own.run(own.plan(scarf(check="block")))
        for accepted in (scarf(check="block", unchecked="deliver"), scarf(check="retry")):
            receipt = own.run(own.plan(accepted)).result().receipt
            assert len(receipt.images) == 1 and "unchecked" in [one.code for one in receipt.findings]
            assert own.again(receipt).receipt.images[0].sha256 == receipt.images[0].sha256


def test_a_picture_that_passed_is_made_again_where_nobody_can_look(tiny_sd: Path) -> None:
    receipt = run_of(model(tiny_sd, lambda _: "absent"), asked("block")).result().receipt
    again = ns.load(tiny_sd, dtype="float32").again(receipt)
    assert again.receipt.images[0].sha256 == receipt.images[0].sha256


def test_a_locked_term_that_cannot_be_told_is_upheld_by_looking_or_refused(tiny_sd: Path) -> None:
    request = asked("block").model_copy(
        update={"avoid": (Avoid(term="hat", check="block", locked=True),), "scale": 1.0}
    )
    with pytest.raises(PolicyError, match="give one that knows it"):
        run_of(ns.load(tiny_sd, dtype="float32"), request)
    assert not run_of(model(tiny_sd, lambda _: "seen"), request).result().images
    assert len(run_of(model(tiny_sd, lambda _: "absent"), request).result().images) == 1


def test_another_engine_may_drive_the_lanes(tiny_sd: Path) -> None:
    """As a server's queue does: it takes what `settle` hands it until nothing is left."""
    watched = model(tiny_sd, half)
    alone = watched.run(watched.plan(asked("block", 4))).result()
    run = watched.run(watched.plan(asked("block", 4)))
    lanes: Sequence[object] = run.lanes
    engine, rounds = Engine(run.network), 0
    while lanes:
        for _ in engine.run(run_lane for run_lane in run.lanes if not run_lane.done):
            pass
        lanes = run.settle()
        rounds += 1
    assert rounds > 1 and run.done == run.total
    assert [image.sha256 for image in run.result().receipt.images] == [
        image.sha256 for image in alone.receipt.images
    ]
    first = watched.run(watched.plan(asked("block", 4)))  # one that leaves further attempts to the run itself
    for _ in Engine(first.network).run(first.lanes):
        pass
    assert [image.sha256 for image in first.result().receipt.images] == [
        image.sha256 for image in alone.receipt.images
    ]
    shared = watched.generate_all([asked("block", 2), asked("block", 2, seed=5)])
    assert [image.sha256 for one in shared for image in one.receipt.images] == [
        image.sha256 for image in alone.receipt.images
    ]


def test_policies_of_an_operator_and_a_tenant_are_forwarded(tiny_sd: Path) -> None:
    policy = parse_policy(
        "name: no-hats\nversion: 1\nexplain: x\nlocked: true\napplies_to: {tenants: [acme]}\n"
        "avoid:\n- {term: hat, check: block}\n"
    )
    watched = model(tiny_sd, lambda _: "seen")
    request = Request(prompt="a cat", steps=STEPS)
    assert watched.plan(request, operator_policies=[policy], tenant="acme").terms[0].origins == ("no-hats@1",)
    assert not watched.run(watched.plan(request, operator_policies=[policy], tenant="acme")).result().images
    assert (
        len(watched.run(watched.plan(request, operator_policies=[policy], tenant="other")).result().images)
        == 1
    )
    assert not watched.generate("a cat", steps=STEPS, operator_policies=[policy], tenant="acme").images
    assert not watched.generate_all([request], operator_policies=[policy], tenant="acme")[0].images


def test_effect_is_said_term_by_term(tiny_sd: Path) -> None:
    avoid = (Avoid(term="hat"), Avoid(term="scarf", weight=0.0), Avoid(term="cap", window=(0.4, 0.41)))
    receipt = (
        run_of(ns.load(tiny_sd, dtype="float32"), Request(prompt="a", avoid=avoid, steps=STEPS))
        .result()
        .receipt
    )
    assert [(term.effect, term.why_not) for term in receipt.terms] == [
        ("active", None),
        ("inert", "it weighs 0"),
        ("inert", "its window holds none of the steps"),
    ]
    off = run_of(
        ns.load(tiny_sd, dtype="float32"), Request(prompt="a", avoid=avoid, steps=STEPS, scale=1.0)
    ).result()
    assert all(term.effect == "inert" and "scale is 1" in str(term.why_not) for term in off.receipt.terms)
