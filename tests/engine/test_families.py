"""None, "", " ", zeros, texts, and texts for one encoder alone, from the request to the receipt."""

from typing import Any

import pytest
import torch

from negspace.errors import RequestError
from negspace.receipt import Receipt
from tests.engine.families import FAMILIES, made

every_family = pytest.mark.parametrize("family", FAMILIES)
NOTHING = (None, "", " ")


def counted(receipt: Receipt) -> dict[str, int]:
    return receipt.evaluations


@every_family
@pytest.mark.parametrize("negative", [*NOTHING, "smoke"])
def test_no_negative_switches_guidance_on(family: str, negative: str | None) -> None:
    """At scale 1, by default or by rounding, only the prompt is evaluated, whatever is to be avoided."""
    for scale in (1.0, 1.0000000000000002, 0.9999999999999999):
        receipt = made(family, avoid=negative, scale=scale).receipt
        assert counted(receipt) == {"positive": 4}
        assert not receipt.negative_acted and receipt.scale == 1.0
        assert receipt.images[0].push == (None,) * 4


@every_family
@pytest.mark.parametrize("negative", NOTHING)
def test_nothing_to_avoid_never_counts_as_a_negative(family: str, negative: str | None) -> None:
    receipt = made(family, avoid=negative).receipt
    assert "negative" not in counted(receipt) and not receipt.negative_acted
    assert receipt.why_not and receipt.negative.text == negative


@every_family
def test_a_text_acts(family: str) -> None:
    receipt = made(family, avoid="smoke").receipt
    assert counted(receipt) == {"positive": 4, "negative": 4}
    assert receipt.negative_acted and all(receipt.images[0].push)


@every_family
def test_an_empty_text_is_the_empty_prompt_and_so_is_a_blank(family: str) -> None:
    empty, blank = made(family, avoid=""), made(family, avoid=" ")
    assert counted(empty.receipt) == {"positive": 4, "empty": 4}
    assert torch.equal(empty.latents, blank.latents)


@pytest.mark.parametrize("family", ["sd", "sd3"])
def test_an_absent_negative_is_the_empty_prompt_there(family: str) -> None:
    assert torch.equal(made(family).latents, made(family, avoid="").latents)


def test_an_absent_negative_is_zeros_on_sdxl() -> None:
    absent = made("sdxl")
    told = [row.conditionings[0] for row in FAMILIES["sdxl"].rows]
    assert {one.given for one in told} == {"text", "zeros"}
    zeros = next(one for one in told if one.given == "zeros")
    assert not zeros.hidden.any() and zeros.pooled is not None and not zeros.pooled.any()
    assert counted(absent.receipt) == {"positive": 4, "empty": 4}
    assert absent.receipt.images[0].push == (None,) * 4
    assert not torch.equal(absent.latents, made("sdxl", avoid="").latents)


def test_an_absent_negative_is_no_branch_on_flux() -> None:
    absent = made("flux")
    assert counted(absent.receipt) == {"positive": 4}
    assert torch.equal(absent.latents, made("flux", scale=1.0).latents)
    assert not torch.equal(absent.latents, made("flux", avoid="").latents)


@pytest.mark.parametrize("family", ["sdxl", "sd3"])
def test_gap_negative_prompt_2_alone_is_honoured(family: str) -> None:
    told = made(family, other_avoids=("smoke",))
    assert counted(told.receipt) == {"positive": 4, "negative": 4}
    assert told.receipt.negative_acted and told.receipt.why_not is None
    assert [(term.term, term.tokens) for term in told.receipt.terms] == [("smoke", ("smoke</w>",))]
    first = next(
        row.conditionings[0] for row in FAMILIES[family].rows[1:] if row.conditionings[0].given == "text"
    )
    assert first.tokens[0].chunks[0].text == ""
    assert first.tokens[1].chunks[0].text == "smoke"
    assert not torch.equal(told.latents, made(family).latents)
    assert not torch.equal(told.latents, made(family, avoid="smoke").latents)


def test_each_encoder_reads_its_own_text() -> None:
    told = made(
        "sd3", "a cat", other_prompts=("a house", "a boat"), avoid="smoke", other_avoids=(None, "hat")
    )
    texts = {
        tuple("".join(chunk.text for chunk in report.chunks) for report in row.conditionings[0].tokens)
        for row in FAMILIES["sd3"].rows
    }
    assert texts == {("a cat", "a house", "a boat"), ("smoke", "smoke", "hat")}
    assert [term.term for term in told.receipt.terms] == ["smoke", "hat"]


def test_a_schedule_is_followed_in_every_text() -> None:
    made("sdxl", "a [cat:house:0.5]", other_prompts=("a [boat:tree:0.5]",), scale=1.0)
    read = [
        [report.chunks[0].text for report in row.conditionings[0].tokens]
        for row in FAMILIES["sdxl"].rows[::2]
    ]
    assert read == [["a cat", "a boat"]] * 2 + [["a house", "a tree"]] * 2


def test_an_encoder_of_running_text_reads_what_the_step_shows() -> None:
    """Weights leave the words, brackets that are none stay, schedules are followed, parts of an AND apart."""
    made("flux", r"[cat:house \(fate\):0.5] AND (snow:1.3) :0.5", scale=1.0)
    read = {
        row.conditionings[0].tokens[0].chunks[0].text
        for row in FAMILIES["flux"].rows
        if row.conditionings[0].tokens[0].chunks
    }
    assert read == {"cat", "house (fate)", "snow"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"other_avoids": (None, "smoke")}, "nothing would read text 3"),
        ({"other_prompts": ("a AND b",)}, "composed with AND"),
        ({"other_avoids": ("hat",), "avoid": "smoke AND text"}, "composed with AND"),
    ],
)
def test_texts_that_nobody_could_read_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        made("sdxl", **fields)


def test_what_is_cut_is_the_same_in_plan_and_receipt() -> None:
    """Only running text is ever cut; the estimate of the plan gives way to what happened."""
    from negspace.planning.plan import plan
    from negspace.request import Request

    long = "red " * 24 + "cat dog"
    (before,) = (
        one
        for one in plan(Request(prompt=long, avoid="hat"), FAMILIES["sd3"].facts).findings
        if one.code == "cut-words"
    )
    (after,) = (one for one in made("sd3", long, avoid="hat").receipt.findings if one.code == "cut-words")
    assert before.text == "text_encoder_3 reads 23 tokens; about 3 more would be cut: red cat dog"
    assert after.text == "text_encoder_3 reads 23 tokens; 3 more were cut: red cat dog"
    assert before.span == after.span == (92, 103)
    assert before.side == after.side == "prompt"
    for family in ("sd", "sdxl"):
        result = made(family, "red " * 200, avoid="hat " * 300)
        assert result.receipt.positive.windows == 3 and result.receipt.negative.windows == 4
        assert not any(one.code == "cut-words" for one in result.receipt.findings)


@every_family
def test_gap_negatives_of_1_76_and_160_tokens_make_the_pictures_they_make_alone(family: str) -> None:
    from negspace.engine import Engine
    from negspace.generate import Run
    from negspace.planning.plan import plan
    from negspace.request import Request

    network = FAMILIES[family]
    requests = [
        Request(prompt="a cat", avoid="smoke " * count, sampler="DDIM", steps=3, width=32, height=32)
        for count in (1, 76, 160)
    ]
    runs = [Run(network, plan(request, network.facts), None) for request in requests]
    for _ in Engine(network).run([lane for run in runs for lane in run.lanes]):
        pass
    for run, request in zip(runs, requests, strict=True):
        alone = Run(network, plan(request, network.facts), None).result()
        assert torch.equal(run.lanes[0].x, alone.latents[0])
