"""What receipts say acted changed the picture, for many rules and texts: the law of tests/acted.py.

The networks are formulas and host no attention rules; those are tried in tests/families.
"""

from dataclasses import replace
from functools import cache

import pytest

from negspace.generate import Result, Run
from negspace.guidance import RULES
from negspace.planning.plan import plan
from negspace.request import Request
from tests.acted import PROMPT, STEPS, Avoided, cases, holds, share
from tests.engine.families import FAMILIES

HOSTED = tuple(name for name, rule in RULES.items() if not rule.needs() - {None})
OTHERS = set(RULES) - set(HOSTED)


@cache
def make(family: str, rule: str, dialect: str, avoid: Avoided) -> Result:
    """The picture of a case; without guidance where a rule says so itself."""
    known = FAMILIES[family]
    network = replace(known, known=replace(known.facts, rules=HOSTED))
    request = Request(
        prompt=PROMPT,
        avoid=avoid,
        rule=rule,
        dialect=dialect,
        scale=None if "scale=" in rule else 3.0,
        steps=STEPS,
        seed=7,
        sampler="DDIM",
        width=32,
        height=32,
    )
    return Run(network, plan(request, network.facts), None).result()


@pytest.mark.parametrize("family", FAMILIES)
def test_what_acted_changed_the_picture(family: str) -> None:
    every = cases([family], lambda rule: not any(name in rule for name in OTHERS))
    for case in share(every, 50):
        holds(make, case)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_what_acted_changed_the_picture_in_every_case(family: str) -> None:
    for case in cases([family], lambda rule: not any(name in rule for name in OTHERS)):
        holds(make, case)
