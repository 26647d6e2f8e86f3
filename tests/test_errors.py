"""Names that nobody has."""

import doctest

import pytest

from negspace import errors as names


def test_the_example_in_the_docs() -> None:
    done = doctest.testmod(names)
    assert (done.attempted, done.failed) == (1, 0)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("dpm++2m", "'DPM++ 2M'"),
        ("ddim", "'DDIM'"),
        ("Euler b", "'Euler a'"),
        ("unipc karras", "'UniPC Karras'"),
    ],
)
def test_what_was_probably_meant_is_offered(name: str, meant: str) -> None:
    known = ["DDIM", "Euler", "Euler a", "DPM++ 2M", "UniPC Karras"]
    told = names.no_such("sampler", name, known)
    assert meant in told.partition("?")[0]
    assert told.endswith("There are: DDIM, Euler, Euler a, DPM++ 2M, UniPC Karras")


def test_nothing_is_offered_for_something_else_altogether() -> None:
    assert names.no_such("rule", "zebra", ["cfg", "nag"]) == "no rule is called 'zebra'; there are: cfg, nag"
