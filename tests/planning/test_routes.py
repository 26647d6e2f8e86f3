"""Models without a usable negative: the way that is taken is the first there is, and it is said."""

from typing import Any

import pytest

import negspace as ns
from negspace.errors import RequestError
from negspace.guidance import RULES
from negspace.planning.routes import rewrites
from negspace.policy.loading import load_policy, shipped_names, templates

HOSTS = ns.ModelFacts(name="turbo", distilled=True, scale=1.0, rules=tuple(RULES))
BARE = ns.ModelFacts(name="bare", distilled=True, rules=("cfg",))
MUTE = ns.ModelFacts(name="mute", negative_branch=False)


def planned(avoid: Any, facts: ns.ModelFacts, **fields: Any) -> Any:
    return ns.plan(ns.Request(prompt="a house", avoid=avoid, **fields), facts)


def said(plan: Any, code: str = "route") -> list[str]:
    return [one.text for one in plan.findings if one.code == code]


def test_the_attention_comes_first_in_one_pass() -> None:
    plan = planned("hat, blurry", HOSTS)
    assert (plan.rule, plan.scale, plan.acts) == ("nag", 1.0, True)
    assert {term.channel for term in plan.terms} == {"attention"}
    assert "nag acts on what is avoided in the attention layers" in said(plan)[0]
    only_vsf = ns.ModelFacts(name="turbo", distilled=True, rules=("cfg", "vsf"))
    assert planned("hat", only_vsf).rule == "vsf"


def test_a_second_pass_is_taken_only_where_it_is_allowed() -> None:
    with pytest.raises(RequestError, match="allow the second pass by the route true-cfg"):
        planned("hat", BARE, scale=3.0)
    assert planned("hat", BARE, scale=3.0, routes=("true-cfg",)).acts
    plan = planned("hat", BARE, routes=("attention", "true-cfg", "rewrite", "check"))
    assert (plan.rule, plan.scale, plan.acts) == ("cfg", 2.0, True)
    assert "twice the cost" in said(plan)[0]
    assert planned("hat", HOSTS, routes=("true-cfg", "attention")).rule == "cfg"


@pytest.mark.parametrize("facts", [BARE, MUTE])
def test_what_has_an_opposite_becomes_a_wish(facts: ns.ModelFacts) -> None:
    plan = planned("blurry, hat", facts)
    assert plan.positive == "a house, sharp focus"
    assert [term.channel for term in plan.terms] == ["the wish 'sharp focus'", "nothing"]
    assert "'blurry' became the wish 'sharp focus'" in said(plan)[0]
    assert "has no way to avoid 'hat'" in said(plan)[1]
    assert plan.scale == 1.0 or not facts.distilled


def test_what_has_none_is_left_to_a_check_and_that_is_said() -> None:
    checked = planned((ns.Avoid(term="hat", check="flag"),), BARE)
    assert checked.terms[0].channel == "check only" and "only a check looks for it" in said(checked)[0]
    bare = planned("hat", BARE, routes=("check",))
    assert bare.positive == "a house" and bare.scale == 1.0 and "give it a check" in said(bare)[0]


def test_a_locked_term_is_not_upheld_by_a_wish() -> None:
    plan = planned((ns.Avoid(term="blurry", locked=True, source="house@1"),), BARE)
    assert plan.blocks and plan.positive == "a house"


@pytest.mark.parametrize("fields", [{"rule": "cfg(scale=1)"}, {"rule": "nag"}])
def test_who_names_a_rule_is_left_alone(fields: dict[str, Any]) -> None:
    assert not said(planned("hat", HOSTS, **fields))


def test_nothing_is_routed_where_a_negative_can_be_told_or_nothing_is_avoided() -> None:
    assert not said(planned("hat", ns.ModelFacts(name="plain")))
    assert (
        not said(planned(None, HOSTS))
        and not said(planned("", HOSTS))
        and not said(planned("(hat:0)", HOSTS))
    )


def test_every_rewrite_is_a_wish_that_asks_for_nothing_it_avoids() -> None:
    from negspace.avoid.terms import content_words

    for avoided, wish in rewrites().items():
        assert avoided and wish and not set(content_words(wish)) & {"no", "not", "without"}
        assert set(avoided) - set(content_words(wish)), wish


# Templates


def test_a_template_is_offered_by_name_and_applied_only_on_request() -> None:
    facts = ns.ModelFacts(name="animagine-xl-3.1", family="sdxl")
    plan = planned(None, facts)
    assert plan.negative is None
    assert said(plan, "template") == [
        "animagine-xl-3.1@2 is a template for this checkpoint: scale 7, steps 28, sampler Euler a; "
        f"{len(load_policy('animagine-xl-3.1').avoid)} terms, for which ask by policy animagine-xl-3.1"
    ]
    applied = planned(None, facts, policies=("animagine-xl-3.1",))
    assert "lowres" in str(applied.negative) and not said(applied, "template")
    assert not said(planned(None, ns.ModelFacts(name="something")), "template")


PUBLISHED = {
    "animagine-xl-3.1": "nsfw, lowres, (bad), text, error, fewer, extra, missing, worst quality, "
    "jpeg artifacts, low quality, watermark, unfinished, displeasing, oldest, early, "
    "chromatic aberration, signature, "
    "extra digits, artistic error, username, scan, [abstract]",
    "animagine-xl-3.0": "nsfw, lowres, bad anatomy, bad hands, text, error, missing fingers, extra digit, "
    "fewer digits, cropped, worst quality, low quality, normal quality, jpeg artifacts, signature, "
    "watermark, username, blurry, artist name",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_list_is_the_published_one(name: str) -> None:
    """Term for term, with the weights of its brackets."""
    chunks = [chunk for chunk in ns.prompt.parse(PUBLISHED[name], "a1111").chunks]
    published = {
        term.strip(): chunk.weight for chunk in chunks for term in chunk.text.split(",") if term.strip()
    }
    ours = {one.term: one.weight for one in load_policy(name).avoid}
    assert list(ours) == list(published)
    assert all(abs(ours[term] - weight) < 1e-3 for term, weight in published.items())


@pytest.mark.parametrize(
    ("name", "module", "pipeline", "fields"),
    [
        (
            "sdxl-base",
            "stable_diffusion_xl.pipeline_stable_diffusion_xl",
            "StableDiffusionXLPipeline",
            "scale",
        ),
        ("sd3-medium", "stable_diffusion_3.pipeline_stable_diffusion_3", "StableDiffusion3Pipeline", "scale"),
        ("flux-1-dev", "flux.pipeline_flux", "FluxPipeline", "guidance"),
    ],
)
def test_what_is_said_of_diffusers_is_so(name: str, module: str, pipeline: str, fields: str) -> None:
    from importlib import import_module
    from inspect import signature

    kind = getattr(import_module(f"diffusers.pipelines.{module}"), pipeline)
    default = {key: one.default for key, one in signature(kind.__call__).parameters.items()}
    recommends = load_policy(name).recommends
    assert recommends is not None and recommends.steps == default["num_inference_steps"]
    assert getattr(recommends, fields) == default["guidance_scale"]


def test_every_template_says_where_it_is_from_and_whom_it_is_for() -> None:
    assert {"animagine-xl-3.1", "animagine-xl-3.0", "flux-1-dev"} <= {one.name for one in templates()}
    for one in templates():
        assert (
            one.name in shipped_names() and one.source and one.applies_to.checkpoints and str(one.recommends)
        )
