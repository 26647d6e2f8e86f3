"""What is compared to find out what acted, and how often; that it is right is the law of tests/acted.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, final

import pytest
import torch
from torch import Tensor

from negspace.guidance import Branch, Rule, Step, make
from tests.engine.test_lane import cast, finish, lane

SIDES = cast(positive=0.5, negative=-0.3, negative_0=0.2, negative_1=-0.4)
BOTH = {"negative:0": 1.0, "negative:1": 0.5}


@final
@dataclass(frozen=True)
class Counted(Rule[Any]):
    """A rule that counts how often it combines."""

    rule: Rule[Any]
    calls: list[int] = field(default_factory=list[int])

    name, formula, paper, space = "counted", "that of the rule", "none", "any"

    def __post_init__(self) -> None:
        """The settings are the inner rule's."""

    @property
    def effective_space(self) -> Any:
        return self.rule.effective_space

    def off(self) -> Self:
        return self

    def init(self) -> Any:
        return self.rule.init()

    def branches(self, step: Step, state: Any) -> tuple[Branch, ...]:
        return self.rule.branches(step, state)

    def combine(self, predictions: Mapping[str, Tensor], step: Step, state: Any) -> tuple[Tensor, Any]:
        self.calls.append(step.index)
        return self.rule.combine(predictions, step, state)


@pytest.mark.parametrize(("text", "more"), [("cfg(scale=3)", 1), ("dual(scale=3, negative=1)", 2)])
def test_what_has_acted_is_compared_no_more(text: str, more: int) -> None:
    """Once in the first step for each side: the one negative, or each of two terms."""
    rule = Counted(make(text))
    compared = lane(rule, SIDES, negatives=BOTH)
    finish(compared)
    assert rule.calls == [0] * (1 + more) + [1, 2, 3]
    assert compared.stats.acted and compared.stats.acted_terms == set(BOTH)
    assert compared.stats.term_steps == dict.fromkeys(BOTH, 4)


def test_momentum_acts_after_its_term_has_gone() -> None:
    """sega gathers during the warm-up, when hat is avoided, and acts on it afterwards."""
    early = [{"negative:0": 1.0, "negative:1": 0.5}] * 2 + [{"negative:0": 0.0, "negative:1": 0.5}] * 2
    rule = make("sega(scale=3, warmup=0.5, momentum=0.5, threshold=0)")
    gathered = lane(rule, SIDES, negatives_by_step=early)
    finish(gathered)
    assert gathered.stats.acted_terms == set(BOTH)
    assert gathered.stats.term_steps == {"negative:0": 2, "negative:1": 4}
    plain = lane(make("sega(scale=3, warmup=0.5, momentum=0)"), SIDES, negatives_by_step=early)
    finish(plain)
    assert plain.stats.acted_terms == {"negative:1"}


def test_one_term_acts_where_another_makes_no_difference() -> None:
    """One that says what the empty prompt says, one without evidence: crg pushes only from what is there."""
    sides = cast(positive=0.5, negative_0=0.0, negative_1=0.6)
    result = lane(make("crg(scale=3)"), sides, negatives={"negative:0": 1.0, "negative:1": 1.0})
    finish(result)
    assert result.stats.acted_terms == {"negative:1"}
    none = lane(make("crg(scale=3, threshold=1e9)"), sides, negatives={"negative:0": 1.0, "negative:1": 1.0})
    finish(none)
    assert not none.stats.acted and none.stats.negative_steps == 4
    assert torch.equal(none.x, finish(lane(make("crg(scale=3, negative=0)"), sides, negatives=BOTH)))
