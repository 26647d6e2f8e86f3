"""Laws of weights on every family: 0 is absence, small is little, and a language model reads words alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import negspace
from negspace.models.catalogue import FAMILIES
from negspace.policy.loading import parse_policy
from negspace.prompt import DIALECTS, Chunk, Prompt, write
from negspace.request import WEIGHTINGS, Avoid, Request
from tests.families.conftest import Place
from tests.families.test_laws import opened

every_family = pytest.mark.parametrize("family", list(FAMILIES))
SCALE = {"rule": "cfg", "scale": 3.0, "seed": 7, "steps": 2}
SYNTAX = set("()[]{}:+-.0123456789")


def latents(folder: Path, prompt: str, avoid: Any = None, **fields: Any) -> torch.Tensor:
    return opened(folder).generate(prompt, avoid=avoid, **{**SCALE, **fields}).latents


def running(folder: Path) -> list[str]:
    return [encoder.name for encoder in opened(folder).facts.encoders if encoder.kind == "llm"]


def read_by_language_models(folder: Path, request: Request) -> list[str]:
    """The words that the encoders of running text got, on both sides."""
    model = opened(folder)
    from negspace.engine.encoded_plan import EncodedPlan

    encoded = EncodedPlan(model.network().encoder, model.facts, model.plan(request))
    sides = (*encoded._positive.values(), *encoded._negative.values())
    reports = [report for told in sides for report in told.tokens if report.encoder in running(folder)]
    return [chunk.text.strip() for report in reports for chunk in report.chunks]


@every_family
def test_a_weight_of_0_is_absence(place: Place, family: str) -> None:
    folder = place(family)
    bare = latents(folder, "a cat", "snow")
    for prompt, avoid in (
        ("a cat (hat:0)", "snow"),
        ("a cat, (hat:0)", "(hat:0), snow"),
        ("a cat", "snow, (hat:-0.0)"),
        ("a cat", (Avoid(term="hat", weight=0.0), Avoid(term="snow"))),
    ):
        assert torch.equal(latents(folder, prompt, avoid), bare), (prompt, avoid)
    assert torch.equal(latents(folder, "a cat", "(hat:0)"), latents(folder, "a cat", ""))
    assert torch.equal(
        latents(folder, "a cat", (Avoid(term="hat", weight=0.0),)), latents(folder, "a cat", ())
    )


@every_family
def test_small_weights_do_little_or_the_plan_says_that_they_cannot(place: Place, family: str) -> None:
    """With a language model among the encoders a finding says that it cannot be told."""
    folder = place(family)
    bare = latents(folder, "a cat", "snow")
    for text in ("(hat:0.0001)", "(hat:-0.0001)"):
        for prompt, avoid in ((f"a cat {text}", "snow"), ("a cat", f"snow, {text}")):
            if running(folder) and "-" not in text:
                plan = opened(folder).plan(Request(prompt=prompt, avoid=avoid, **SCALE))
                (finding,) = [one for one in plan.findings if one.code == "weight-cannot-act"]
                assert "'hat' (0.0001) is given as plain words" in finding.text and finding.span
                assert all(name in finding.text for name in running(folder))
            else:
                assert (latents(folder, prompt, avoid) - bare).abs().max() < 2e-2, (prompt, avoid)


def _weighted(dialect: str) -> Iterator[tuple[str, Any]]:
    """A prompt and what is avoided, with weights as the dialect writes them."""
    for weight in (1.4, 0.5, -1.0):
        chunks = (Chunk("a ", 1.0), Chunk("cat", weight))
        try:
            yield write(Prompt(chunks, dialect, "")), "snow"
        except negspace.NegspaceError:
            pass  # a dialect without such weights
        yield "a cat", (Avoid(term="snow"), Avoid(term="hat", weight=weight))


@every_family
@pytest.mark.parametrize("dialect", sorted(DIALECTS))
def test_no_syntax_reaches_a_language_model(place: Place, family: str, dialect: str) -> None:
    folder = place(family)
    facts = opened(folder).facts
    if not running(folder):
        assert all(encoder.kind == "clip" for encoder in facts.encoders)
        return
    for prompt, avoid in _weighted(dialect):
        request = Request(prompt=prompt, avoid=avoid, dialect=dialect, **SCALE)
        try:
            plan = opened(folder).plan(request)
        except negspace.NegspaceError:
            assert any(encoder.kind == "clip" for encoder in facts.encoders)
            continue  # what its windows read cannot be written in this dialect
        texts = read_by_language_models(folder, request)
        assert texts and not SYNTAX & set("".join(texts)), texts
        assert [one for one in plan.findings if one.code == "weight-cannot-act"], (prompt, avoid)


@every_family
def test_the_weights_of_a_policy_are_not_read_as_words(place: Place, family: str) -> None:
    folder = place(family)
    policy = parse_policy("name: house\nversion: 1\nexplain: Ours.\navoid: [{term: hat, weight: 1.4}]\n")
    model = opened(folder)
    plan = negspace.plan(
        Request(prompt="a cat", avoid="snow", **SCALE), model.facts, operator_policies=[policy]
    )
    if all(encoder.kind == "llm" for encoder in model.facts.encoders):
        assert plan.negative == "snow, hat"
    else:
        assert plan.negative == "snow, (hat:1.4)"
    found = [one for one in plan.findings if one.code == "weight-cannot-act"]
    assert bool(found) == bool(running(folder)) and all("'hat' (1.4)" in one.text for one in found)


@pytest.mark.parametrize("family", ["sd", "sdxl", "sd3"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_a_negative_weight_in_the_prompt_pushes_more_the_larger_it_is(
    place: Place, family: str, weighting: str
) -> None:
    folder = place(family)
    bare = latents(folder, "a cat, snow", weighting=weighting, steps=1)
    sizes = [
        float((latents(folder, f"a cat, snow (hat:{weight})", weighting=weighting, steps=1) - bare).norm())
        for weight in (-0.0001, -0.01, -0.1, -0.4, -1)
    ]
    assert sizes == sorted(sizes) and sizes[0] < 2e-3 * sizes[-1], sizes


@pytest.mark.parametrize("rule", ["cfg", "nag", "nasa", "ong", "negpip", "vsf"])
def test_what_is_avoided_acts_more_the_heavier_it_is(place: Place, rule: str) -> None:
    """In whatever place the rule reads it: from nothing at 0, bit for bit, without a jump."""
    folder = place("sd")
    one: dict[str, Any] = {"rule": rule, "steps": 1, "scale": 3.0 if rule == "cfg" else 1.0}
    bare = latents(folder, "a cat", "snow", **one)
    made = [
        latents(folder, "a cat", f"snow, (hat:{weight})", **one) for weight in (0, 0.0001, 0.01, 0.1, 0.5, 1)
    ]
    sizes = [float((told - bare).norm()) for told in made]
    assert sizes[0] == 0 and sizes == sorted(sizes) and sizes[1] < 2e-3 * sizes[-1], sizes
