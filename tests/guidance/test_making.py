"""Rules as text: read, built, written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from negspace.errors import RequestError
from negspace.guidance import RULES, Cfg, make, write
from negspace.ruletext import Call, read
from negspace.strength import STRENGTHS, Constant, Ramp, Window, ramp, window

VALUES = {"window": (0.25, 0.75), "ramp": (0.5, 1)}
"""What the strengths that need values are made with."""

names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(
    lambda name: name.isidentifier() and name != "not"
)
values = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5), st.none())


def calls() -> st.SearchStrategy[Call]:
    import keyword

    name = names.filter(lambda text: not keyword.iskeyword(text))
    return st.recursive(
        st.builds(Call, name),
        lambda inner: st.builds(
            Call,
            name,
            st.lists(values | inner, max_size=2).map(tuple),
            st.lists(st.tuples(name, values | inner), max_size=2, unique_by=lambda pair: pair[0]).map(tuple),
        ),
        max_leaves=4,
    )


@given(calls())
def test_what_is_written_reads_the_same(call: Call) -> None:
    assert read(str(call)) == call


@given(st.text(max_size=40))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        read(text)
    except RequestError as error:
        assert "rule" in str(error)


@pytest.mark.parametrize(
    "text", ["", "3", "cfg(", "cfg.scale", "cfg(**x)", "cfg(a=True)", "__import__('os').remove", "a + b"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        read(text)


def test_names_from_the_outside_in() -> None:
    assert list(read("a(b(strength=window(0.1, 0.2)), c)").names()) == ["a", "b", "window", "c"]


@pytest.mark.parametrize(
    "rule",
    [
        *(kind() for kind in RULES.values()),
        Cfg(scale=3, strength=window(0.2, 0.6)),
        Cfg(strength=window(5, 1, ramp(0, 1, "cosine"), "sigma")),
        *(Cfg(strength=made(*VALUES.get(name, ()))) for name, made in STRENGTHS.items()),
    ],
)
def test_a_rule_survives_being_text(rule: Cfg) -> None:
    assert make(write(rule)) == rule


def test_settings_on_top() -> None:
    assert make("cfg(strength=ramp(0, 1))", scale=4.0) == Cfg(4.0, Ramp(0, 1))
    assert write(Cfg(4, Window(0.25, 0.5, Constant(0.5)))) == (
        "cfg(scale=4, strength=window(0.25, 0.5, weight=constant(weight=0.5)))"
    )
    assert set(STRENGTHS) >= {"constant", "window", "ramp"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("perpetual", "no rule is called 'perpetual'.*cfg"),
        ("cfg(swale=3)", "swale"),
        ("cfg(-1)", "scale must be a number from 0 on"),
        ("cfg('seven')", "scale must be a number"),
        ("cfg(cfg)", "scale must be a number"),
        ("cfg(strength=window(3, 4))", "window strength"),
        ("cfg(strength=window(0.1))", "strength window"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_it_may_be(text: str, told: str) -> None:
    with pytest.raises(RequestError, match=told):
        make(text)
