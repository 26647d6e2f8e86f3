"""What is said beside the body: who goes first, and what is refused."""

import pytest

from negspace.errors import RequestError
from negspace.serve.extension_fields import client_request

FIELDS = {"prompt": "a"}


def test_the_body_goes_first_then_the_query_then_headers() -> None:
    headers = {"x-negative-prompt": "header", "x-negspace-scale": "2.5", "x-negspace-steps": "9"}
    query = {"negative_prompt": "query", "steps": "3"}
    request = client_request(FIELDS, {"cfg_scale": 4}, query, headers).request
    assert (request.avoid, request.steps, request.scale, request.seed) == ("query", 3, 4, 0)
    assert client_request({**FIELDS, "avoid": ""}, {}, query, headers).request.avoid == ""
    assert client_request(FIELDS, {}, {}, headers).request.avoid == "header"
    assert client_request(FIELDS, {}, {}, {}).request.avoid is None
    assert client_request(FIELDS, {}, {"negative_prompt": ""}, {}).request.avoid == ""


def test_policies_add_up_each_once() -> None:
    request = client_request(
        {**FIELDS, "model": "m@a@b"}, {"policies": ["z"]}, {"policy": "b, c"}, {"x-policy": "e,a"}
    ).request
    assert request.model == "m" and set(request.policies) == {"a", "b", "c", "e", "z"}
    assert len(request.policies) == 5


def test_how_a_request_is_to_be_treated() -> None:
    request = client_request(FIELDS, {}, {"conversation": "c-1", "priority": "3", "deadline": "2.5"}, {})
    assert request.submit_arguments == {"conversation": "c-1", "priority": 3, "deadline": 2.5}
    assert client_request(FIELDS, {}, {}, {}).submit_arguments == {
        "conversation": None,
        "priority": 0,
        "deadline": None,
    }


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
def test_an_impossible_value_is_refused_in_one_line(query: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        client_request(FIELDS, {}, query, {})
    assert "\n" not in str(caught.value)
