"""No attempt gets past a locked policy, and each leaves a finding.

An attempt succeeds where, in the texts that the plan sends,
- a locked term does not stand in the negative with its full weight at every step of its window, among the
  first things said, under the model's own rule and at no less than its own scale, in a text of its own where
  anything else is avoided; or
- the term reaches the positive without the policy's block being recorded.
"""

from collections import Counter
from functools import lru_cache

import pytest

import negspace as ns
from negspace.planning.plan import Plan
from negspace.policy.loading import parse_policy
from tests.policy.bypass import POLICY, Attempt, attempts

KEEP = parse_policy(POLICY)
FACTS = ns.ModelFacts(name="m", scale=4.0, rules=("cfg", "perp_neg"), steps=20)
LLM = ns.ModelFacts(
    name="m", scale=4.0, rules=("cfg", "perp_neg"), encoders=(ns.EncoderFacts(kind="llm", chunk=40),)
)
ATTEMPTS = attempts()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Policies that an attacker brings along."""
    folder = tmp_path_factory.mktemp("own")
    head = "name: keep\nversion: 1\nexplain: Mine.\n"
    (folder / "own.yaml").write_text(
        head + "least_scale: 1.01\navoid: [{term: hat, weight: 0.01, window: [0.9, 1], unless: [please]}]\n"
    )
    (folder / "wish.yaml").write_text(head + "locked: true\nrequire: [hat]\n")
    return {"OWN": str(folder / "own.yaml"), "WISH": str(folder / "wish.yaml")}


def planned(attempt: Attempt, own: dict[str, str]) -> Plan:
    request = attempt.request
    request = request.model_copy(update={"policies": tuple(own[name] for name in request.policies)})
    return ns.plan(request, LLM if attempt.llm else FACTS, operator_policies=[KEEP])


def told(plan: Plan, term: str, weight: float, window: tuple[float, float]) -> bool:
    """Whether the negative says the term in full, at every step of the window and early in the text."""
    steps = range(plan.steps)
    inside = [step for step in steps if window[0] <= step / plan.steps < window[1]] or list(steps)
    for step in inside:
        first = said_first(locked_text_at(plan, step / plan.steps) or "", plan.steps, step)
        if not any(said == term and weigh >= weight for said, weigh in first):
            return False
    return True


def locked_text_at(plan: Plan, progress: float) -> str | None:
    """The text with the locked terms: one of their own where other terms are avoided as well."""
    own = next((group for group in plan.groups if group.name == "locked"), plan)
    return plan.negative_at(progress) if isinstance(own, Plan) else own.text_at(progress)


@lru_cache(maxsize=64)
def scheduled_prompts_of(text: str, steps: int) -> tuple[ns.prompt.ScheduledPrompt, ...]:
    return ns.prompt.unfold(text, steps, "a1111")


@lru_cache(maxsize=256)
def said_first(text: str, steps: int, step: int) -> tuple[tuple[str, float], ...]:
    """The first things that a text says at a step; nothing where it is not one text with one factor."""
    scheduled_prompts = scheduled_prompts_of(text, steps)
    if len(scheduled_prompts) != 1 or scheduled_prompts[0].factor != 1.0:
        return ()
    chunks = scheduled_prompts[0].at(step + 1).chunks
    said = ((piece.strip(), chunk.weight) for chunk in chunks for piece in chunk.text.split(","))
    return tuple((piece, weight) for piece, weight in said if piece)[: len(KEEP.avoid)]


def succeeded(plan: Plan, attempt: Attempt) -> str | None:
    """How the attempt succeeded; None where it did not."""
    for term in KEEP.avoid:
        weight = 1.0 if attempt.llm else term.weight  # a language model reads words and no weights
        if not told(plan, term.term, weight, term.window):
            return f"{term.term} is not told in full: {plan.negative!r:.200}"
    apart = any(not term.avoid.locked for term in plan.terms)
    rule = f"locked({FACTS.rule})" if apart else FACTS.rule
    if not plan.acts or plan.scale < FACTS.scale or plan.rule != rule or bool(plan.groups) != apart:
        return f"the negative is weakened: {plan.rule}, scale {plan.scale}"
    blocked = plan.blocks and any(finding.code == "blocked" for finding in plan.findings)
    if attempt.smuggled and not blocked and attempt.smuggled.lower() in plan.positive.lower():
        return f"it reaches the positive: {plan.positive!r:.200}"
    if not blocked and any(word in plan.positive.lower() for word in ("hat", "gore")):
        return f"the positive says it: {plan.positive!r:.200}"
    return None


def test_there_are_more_than_three_hundred_attempts_of_many_kinds() -> None:
    kinds = Counter(attempt.kind for attempt in ATTEMPTS)
    assert len(ATTEMPTS) >= 300
    assert len(kinds) >= 18, kinds


def test_a_harmless_request_is_left_alone() -> None:
    plan = ns.plan(ns.Request(prompt="a snowman", avoid="blurry"), FACTS, operator_policies=[KEEP])
    assert [finding.code for finding in plan.findings] == ["locked-branch"]
    assert not plan.blocks and plan.positive == "a snowman"
    assert [group.stages[0].text for group in plan.groups] == ["(hat:1.2), (gore:1.1)", "blurry"]
    assert plan.negative == "(hat:1.2), (gore:1.1), watermark, blurry"


def test_the_measure_sees_success() -> None:
    """Without the policy every kind that aims at the positive succeeds, and the negative misses the terms."""
    for attempt in ATTEMPTS:
        if "policies" not in attempt.fields:
            plan = ns.plan(attempt.request, LLM if attempt.llm else FACTS)
            assert succeeded(plan, attempt), attempt


def test_no_attempt_succeeds(own: dict[str, str]) -> None:
    through: list[str] = []
    for attempt in ATTEMPTS:
        way = succeeded(planned(attempt, own), attempt)
        if way is not None:
            through.append(f"{attempt.kind} {attempt.fields!r:.120}: {way}")
    assert not through, "\n".join(through)


def test_every_attempt_leaves_a_finding(own: dict[str, str]) -> None:
    silent = [repr(attempt)[:160] for attempt in ATTEMPTS if not planned(attempt, own).findings]
    assert not silent, "\n".join(silent)
