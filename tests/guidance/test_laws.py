"""Laws that every rule keeps, and one case by hand for each."""

from dataclasses import fields, is_dataclass, replace
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from negspace.errors import RequestError
from negspace.guidance import RULES, Branch, Cfg, Rule, Space, Step, Wrapper, convert, make
from negspace.guidance.branch import EMPTY, NEGATIVE, POSITIVE
from negspace.guidance.shared.terms import is_joint_side
from negspace.strength import window

CASES = Path(__file__).parent / "cases"
SPACES: tuple[Space, ...] = ("x0", "eps", "v", "flow")
SHAPE = (3, 2, 4, 4)
every_rule = pytest.mark.parametrize("name", sorted(RULES))
scales = st.floats(1.5, 20)
seeds = st.integers(0, 2**32)
levels = st.floats(0.05, 0.995)
LAW = settings(max_examples=20, deadline=None)


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def step_at(a: float, seed: int, index: int = 0, count: int = 1) -> Step:
    s = (1 - a * a) ** 0.5
    return Step(index, count, s / a, noise(seed, *SHAPE), a, s, {"negative:0": 1.0})


def predictions(branches: tuple[Branch, ...], seed: int) -> dict[str, Tensor]:
    return {branch.name: noise(seed + number, *SHAPE) for number, branch in enumerate(branches)}


def journey(seed: int) -> list[Step]:
    """Four steps in a row, late enough that every rule has warmed up, with two things avoided."""
    a = [0.3, 0.5, 0.7, 0.85, 0.95]
    s = [(1 - share * share) ** 0.5 for share in a]
    negatives = {"negative:0": 1.0, "negative:1": 0.5}
    return [
        Step(20 + i, 24, s[i] / a[i], noise(seed + i, *SHAPE), a[i], s[i], negatives, (a[i + 1], s[i + 1]))
        for i in range(4)
    ]


def told_at(branches: tuple[Branch, ...], seed: int, step: Step) -> dict[str, Tensor]:
    """What the branches are told at a step; one side says one thing, whoever asks."""
    return {
        branch.name: step.x + 0.1 * noise(crc32(f"{seed} {step.index} {branch}".encode()), *SHAPE)
        for branch in branches
    }


def played(rule: Rule[Any], seed: int, one: slice = slice(None)) -> list[Tensor]:
    """What the rule makes of every step of a journey, for some of its pictures."""
    state, outputs = rule.init(), []
    for step in journey(seed):
        step = replace(step, x=step.x[one])
        branches = rule.branches(step, state)
        told = told_at(branches, seed, next(s for s in journey(seed) if s.index == step.index))
        output, state = rule.combine({key: value[one] for key, value in told.items()}, step, state)
        outputs.append(output)
    return outputs


def case_of(name: str) -> ModuleType:
    return load(CASES / f"case_{name}.py")


def both(name: str) -> tuple[Rule[Any], ...]:
    """A rule as it comes, and as its case has it."""
    return make(name), case_of(name).RULE


def guided(rule: Rule[Any], told: dict[str, Tensor], step: Step) -> Tensor:
    return rule.combine(told, step, rule.init())[0]


@every_rule
def test_a_rule_explains_itself(name: str) -> None:
    rule = RULES[name]
    assert rule.name == name and rule.formula and rule.paper and rule.space in ("any", *SPACES)
    assert rule.__doc__ and is_dataclass(rule) and rule.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert make(name) == rule(), "the defaults of a rule make it complete"


@every_rule
@given(seed=seeds, a=levels)
@LAW
def test_off_is_the_positive_and_one_evaluation(name: str, seed: int, a: float) -> None:
    rule, step = make(name).off(), step_at(a, seed)
    branches = rule.branches(step, rule.init())
    assert [branch.side for branch in branches] == ["positive"]
    told = predictions(branches, seed)
    assert torch.equal(guided(rule, told, step), told[branches[0].name])


@every_rule
@given(seed=seeds, a=levels, scale=scales)
@LAW
def test_equal_predictions_are_a_fixed_point(name: str, seed: int, a: float, scale: float) -> None:
    rule, step = make(name, scale=scale), step_at(a, seed)
    same = noise(seed, *SHAPE)
    told = {branch.name: same for branch in rule.branches(step, rule.init())}
    assert torch.equal(guided(rule, told, step), same)


@every_rule
@given(seed=seeds, a=levels, scale=scales)
@LAW
def test_a_batch_equals_its_members(name: str, seed: int, a: float, scale: float) -> None:
    rule, step = make(name, scale=scale), step_at(a, seed)
    told = predictions(rule.branches(step, rule.init()), seed)
    together = guided(rule, told, step)
    for i in range(SHAPE[0]):
        alone = guided(
            rule, {key: value[i : i + 1] for key, value in told.items()}, replace(step, x=step.x[i : i + 1])
        )
        assert torch.equal(together[i : i + 1], alone)


@every_rule
@given(seed=seeds)
@LAW
def test_a_batch_equals_its_members_all_the_way(name: str, seed: int) -> None:
    for rule in both(name):
        together = played(rule, seed)
        assert all(torch.isfinite(output).all() for output in together)
        for i in range(SHAPE[0]):
            alone = played(rule, seed, slice(i, i + 1))
            for ours, theirs in zip(together, alone, strict=True):
                assert torch.equal(ours[i : i + 1], theirs)


@every_rule
@given(seed=seeds)
@LAW
def test_two_ways_with_one_rule_do_not_meet(name: str, seed: int) -> None:
    """Two lanes that take turns with one rule get what each gets alone; a state can be gone on from twice."""
    for rule in both(name):
        states, outputs = [rule.init(), rule.init()], ([], [])
        for steps in zip(journey(seed), journey(seed + 1), strict=True):
            for lane, step in enumerate(steps):
                told = told_at(rule.branches(step, states[lane]), seed + lane, step)
                rule.combine(told, step, states[lane])
                output, states[lane] = rule.combine(told, step, states[lane])
                outputs[lane].append(output)
        for lane in (0, 1):
            assert all(map(torch.equal, outputs[lane], played(rule, seed + lane)))


@every_rule
@given(seed=seeds)
@LAW
def test_equal_predictions_are_a_fixed_point_all_the_way(name: str, seed: int) -> None:
    for rule in both(name):
        state = rule.init()
        for step in journey(seed):
            told = {branch.name: step.x for branch in rule.branches(step, state)}
            output, state = rule.combine(told, step, state)
            assert torch.allclose(output, step.x, rtol=1e-6, atol=1e-6)


def _with_neutral_settings() -> list[str]:
    """Rules whose case has NEUTRAL; one without a case is reported by `test_a_case_by_hand`."""
    files = {name: CASES / f"case_{name}.py" for name in RULES}
    return sorted(name for name, file in files.items() if file.exists() and "NEUTRAL" in file.read_text())


@pytest.mark.parametrize("name", _with_neutral_settings())
@given(seed=seeds)
@LAW
def test_neutral_settings_reduce_to_cfg(name: str, seed: int) -> None:
    """NEUTRAL of a case is cfg at scale 3, with the side NEUTRAL_ON in the negative's place."""
    case = case_of(name)
    rule, side, state = case.NEUTRAL, getattr(case, "NEUTRAL_ON", NEGATIVE), case.NEUTRAL.init()
    assert rule.name == name
    for step in journey(seed):
        step = replace(step, negatives={"negative:0": 1.0})
        told = told_at(rule.branches(step, state), seed, step)
        told |= told_at((Branch(POSITIVE, POSITIVE), Branch(side, side)), seed, step)
        output, state = rule.combine(told, step, state)
        expected = guided(Cfg(3.0), {POSITIVE: told[POSITIVE], NEGATIVE: told[side]}, step)
        assert torch.allclose(output, expected, rtol=1e-4, atol=1e-5)


@every_rule
@given(seed=seeds)
@LAW
def test_a_rule_serves_networks_of_every_kind(name: str, seed: int) -> None:
    """Networks that say the same in eps, v and flow are guided the same."""
    rule = case_of(name).RULE
    guided_in: list[list[Tensor]] = []
    for space in ("eps", "v", "flow"):
        state, outputs = rule.init(), []
        for step in journey(seed):
            step = replace(step, x=step.x.double())
            told = told_at(rule.branches(step, state), seed, step)
            home: Space = space if rule.effective_space == "any" else rule.effective_space
            answers = {key: convert(value, "eps", space, step) for key, value in told.items()}
            own = {key: convert(value, space, home, step) for key, value in answers.items()}
            output, state = rule.combine(own, step, state)
            outputs.append(convert(convert(output, home, space, step), space, "eps", step))
        guided_in.append(outputs)
    for other in guided_in[1:]:
        for ours, theirs in zip(guided_in[0], other, strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@every_rule
@given(seed=seeds)
@LAW
def test_a_rule_starts_in_the_pure_noise_of_a_flow_model(name: str, seed: int) -> None:
    for rule in both(name):
        first = replace(journey(seed)[0], index=0, sigma=float("inf"), a=0.0, s=1.0, following=(0.3, 0.7))
        told = told_at(rule.branches(first, rule.init()), seed, first)
        home: Space = "flow" if rule.effective_space == "any" else rule.effective_space
        own = {key: convert(value, "flow", home, first) for key, value in told.items()}
        output, _ = rule.combine(own, first, rule.init())
        assert torch.isfinite(convert(output, home, "flow", first)).all()


@every_rule
@given(seed=seeds, scale=scales)
@LAW
def test_nothing_is_kept_or_changed_by_combining(name: str, seed: int, scale: float) -> None:
    rule = make(name, scale=scale)
    before = {field.name: getattr(rule, field.name) for field in fields(rule)}  # type: ignore[arg-type]

    def run() -> list[Tensor]:
        state, outputs = rule.init(), []
        for index in range(4):
            step = step_at(0.2 + 0.2 * index, seed + index, index, 4)
            told = predictions(rule.branches(step, state), seed + 10 * index)
            copies = {key: value.clone() for key, value in told.items()}
            output, state = rule.combine(told, step, state)
            assert all(torch.equal(told[key], copies[key]) for key in told)
            outputs.append(output)
        return outputs

    assert all(torch.equal(first, second) for first, second in zip(run(), run(), strict=True))
    assert before == {field.name: getattr(rule, field.name) for field in fields(rule)}  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(name for name, rule in RULES.items() if rule.space == "any"))
@given(seed=seeds, a=levels, scale=scales)
@LAW
def test_a_rule_for_any_space_is_the_same_in_all(name: str, seed: int, a: float, scale: float) -> None:
    rule, step = make(name, scale=scale), replace(step_at(a, seed), x=noise(seed, *SHAPE).double())
    told = {key: value.double() for key, value in predictions(rule.branches(step, rule.init()), seed).items()}
    in_eps = guided(rule, told, step)
    for space in SPACES:
        there = {key: convert(value, "eps", space, step) for key, value in told.items()}
        back = convert(guided(rule, there, step), space, "eps", step)
        assert torch.allclose(back, in_eps, rtol=1e-6, atol=1e-6)


@every_rule
def test_a_window_of_strength_turns_the_rule_off_outside(name: str) -> None:
    """A wrapper with a strength of its own leaves the rule inside alone: that one is off here."""
    own = {field.name for field in fields(RULES[name])}  # type: ignore[arg-type]
    scale = 1.0 if {"inner", "strength"} <= own else 5.0
    rule = make(name, scale=scale, strength=window(0.25, 0.75))
    asked = [rule.branches(step_at(0.5, 0, i, 4), rule.init()) for i in range(4)]
    acting = [len(branches) > 1 or any(branch.patch for branch in branches) for branches in asked]
    assert acting == [False, True, True, False]


@every_rule
def test_what_plans_know_of_a_rule_is_so(name: str) -> None:
    """The facts that plans are made from, without torch, against what the rule asks for."""
    rule = RULES[name]
    told = {scale: ways(make(name, scale=scale)) for scale in (1.0, 3.0)}
    at_one = {rule.delivery} if rule.acts_at_scale_1 else set()
    stated = f"acts_at_scale_1 = {rule.acts_at_scale_1} and delivery = {rule.delivery!r}"
    assert told[1.0] == at_one, (
        f"{name} states {stated}; at scale 1 its branches ask for {told[1.0] or 'none'}"
    )
    inside = {"text"} if issubclass(rule, Wrapper) else set()
    assert told[3.0] | inside == {rule.delivery} - {"nothing"} | inside, (
        f"{name} states delivery = {rule.delivery!r}; its branches ask for {told[3.0] or 'none'}"
    )


@every_rule
def test_a_rule_reaches_only_where_it_asks(name: str) -> None:
    """Plans say "can act" by `reaches`; with settings at the ends of their ranges, too."""
    ends = [
        {entry.name: end}
        for entry in RULES[name].settings()
        for end in (entry.metadata["low"], entry.metadata["high"])
        if entry.name != "scale" and abs(end) < float("inf")
    ]
    for chosen in ({}, *ends):
        try:
            rule = make(name, scale=3.0, **chosen)
        except RequestError:  # not possible beside the other settings
            continue
        steps = [step_at(0.02 + 0.04 * index, 0, index, 24) for index in range(24)]
        silent = rule.delivery != "nothing" and not any(ways(rule, step) for step in steps)
        assert not (silent and any(map(rule.reaches, steps))), (
            f"{name} with {chosen} never asks for what is avoided, and `reaches` says that it acts"
        )


@every_rule
def test_where_a_rule_says_that_it_cannot_act_it_does_not(name: str) -> None:
    """Where `reaches` says no, plans call what is avoided inert: then it changes nothing of the step."""
    rule = make(name, scale=3.0)
    for index in range(24):
        step = step_at(0.02 + 0.04 * index, 0, index, 24)
        if rule.reaches(step):
            continue
        branches = rule.branches(step, rule.init())
        made = {branch.name: torch.randn(1, 2, 4, 4) for branch in branches}
        avoided = [b.name for b in branches if b.side not in (POSITIVE, EMPTY) or (b.patch and b.patch.sides)]
        other = made | {branch: torch.randn(1, 2, 4, 4) for branch in avoided}
        assert torch.equal(guided(rule, made, step), guided(rule, other, step)), (
            f"{name} says by `reaches` that it cannot act at step {index}, and what is avoided changes it"
        )


def ways(rule: Rule[Any], at: Step | None = None) -> set[str]:
    """How the network is told what is avoided, at a step; None is one at which every rule acts."""
    branches = rule.branches(at or step_at(0.9, 0, 12, 24), rule.init())
    sides = {branch.side for branch in branches}
    return (
        {"text" for side in sides if side == "negative"}
        | {"terms" for side in sides if side.startswith("negative:")}
        | {"joint" for side in sides if is_joint_side(side)}
        | {"attention" for branch in branches if branch.patch and branch.patch.sides}
    )


@every_rule
def test_a_case_by_hand(name: str) -> None:
    """Every rule has one: laws alone do not see a wrong sign in a rule's own term."""
    file = CASES / f"case_{name}.py"
    assert file.exists(), f"rule {name} has no case by hand; add {file.name}"
    case = load(file)
    step = getattr(case, "STEP", step_at(0.6, 0))
    assert case.RULE.name == name
    told = {key: value.reshape(1, 1, 1, -1) for key, value in case.PREDICTIONS.items()}
    assert set(told) == {branch.name for branch in case.RULE.branches(step, case.RULE.init())}
    assert torch.allclose(guided(case.RULE, told, step).flatten(), case.GUIDED)
    if case.RULE.patches():
        case.check()  # what the patch does, by hand: the predictions alone do not show it


def test_every_case_has_its_rule() -> None:
    extra = {file.stem for file in CASES.glob("case_*.py")} - {f"case_{name}" for name in RULES}
    assert not extra, f"cases of rules that do not exist: {', '.join(sorted(extra))}"


def load(file: Path) -> ModuleType:
    spec = util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("source", SPACES)
@pytest.mark.parametrize("target", SPACES)
@given(seed=seeds, a=levels)
@LAW
def test_spaces_round_trip(source: Space, target: Space, seed: int, a: float) -> None:
    step = replace(step_at(a, seed), x=noise(seed, *SHAPE).double())
    prediction = noise(seed + 1, *SHAPE).double()
    there = convert(prediction, source, target, step)
    assert torch.allclose(convert(there, target, source, step), prediction, atol=1e-8)


@given(seed=seeds, a=levels)
@LAW
def test_spaces_hold_the_same_picture(seed: int, a: float) -> None:
    x0, eps = noise(seed, *SHAPE).double(), noise(seed + 1, *SHAPE).double()
    s = (1 - a * a) ** 0.5
    step = Step(0, 1, s / a, a * x0 + s * eps, a, s, {})
    truth: dict[Space, Tensor] = {"x0": x0, "eps": eps, "v": a * eps - s * x0, "flow": eps - x0}
    for source in SPACES:
        for target in SPACES:
            assert torch.allclose(convert(truth[source], source, target, step), truth[target], atol=1e-8)


def test_what_a_step_cannot_tell_is_refused() -> None:
    pure_noise = Step(0, 1, float("inf"), noise(0, *SHAPE), 0.0, 1.0, {})
    no_noise = Step(0, 1, 0.0, noise(0, *SHAPE), 1.0, 0.0, {})
    with pytest.raises(RequestError, match="pure noise"):
        convert(noise(1, *SHAPE), "eps", "x0", pure_noise)
    with pytest.raises(RequestError, match="pure picture"):
        convert(noise(1, *SHAPE), "x0", "v", no_noise)
    assert torch.isfinite(convert(noise(1, *SHAPE), "v", "x0", pure_noise)).all()


def test_an_unknown_rule_or_setting_is_refused_with_what_there_is() -> None:
    with pytest.raises(RequestError, match="no rule is called 'perpetual'.*cfg"):
        make("perpetual")
    with pytest.raises(RequestError, match="swale"):
        make("cfg", swale=3)
