"""What is said beside the body: who goes first, and what is refused."""

import pytest

from negspace.errors import RequestError
from negspace.serve.clients.extensions import asked

FIELDS = {"prompt": "a"}


def test_the_body_goes_first_then_the_query_then_headers() -> None:
    headers = {"x-negative-prompt": "header", "x-negspace-scale": "2.5", "x-negspace-steps": "9"}
    query = {"negative_prompt": "query", "steps": "3"}
    request = asked(FIELDS, {"cfg_scale": 4}, query, headers).request
    assert (request.avoid, request.steps, request.scale, request.seed) == ("query", 3, 4, 0)
    assert asked({**FIELDS, "avoid": ""}, {}, query, headers).request.avoid == ""
    assert asked(FIELDS, {}, {}, headers).request.avoid == "header"
    assert asked(FIELDS, {}, {}, {}).request.avoid is None
    assert asked(FIELDS, {}, {"negative_prompt": ""}, {}).request.avoid == ""


def test_policies_add_up_each_once() -> None:
    request = asked(
        {**FIELDS, "model": "m@a@b"}, {"policies": ["z"]}, {"policy": "b, c"}, {"x-policy": "e,a"}
    ).request
    assert request.model == "m" and set(request.policies) == {"a", "b", "c", "e", "z"}
    assert len(request.policies) == 5


def test_how_a_request_is_to_be_treated() -> None:
    told = asked(FIELDS, {}, {"conversation": "c-1", "priority": "3", "deadline": "2.5"}, {})
    assert told.order == {"conversation": "c-1", "priority": 3, "deadline": 2.5}
    assert asked(FIELDS, {}, {}, {}).order == {"conversation": None, "priority": 0, "deadline": None}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"steps": "many"}, "steps"),
        ({"steps": "0"}, "steps"),
        ({"cfg_scale": "nan"}, "scale"),
        ({"conversation": "../x"}, "conversation"),
        ({"conversation": "a" * 65}, "conversation"),
        ({"priority": "1000"}, "priority"),
        ({"deadline": "-1"}, "deadline"),
        ({"deadline": "nan"}, "deadline"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(query: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        asked(FIELDS, {}, query, {})
    assert "\n" not in str(caught.value)
