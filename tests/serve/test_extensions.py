"""What is said beside the body: who goes first, and what is refused."""

from collections.abc import Mapping

import pytest

from negspace.errors import RequestError
from negspace.models.catalogue import read_facts
from negspace.models.files.source import Source
from negspace.serve.extension_fields import ClientRequest
from negspace.serve.extension_fields import client_request as read_client_request

FIELDS = {"prompt": "a"}
FACTS = read_facts(Source("embedded"))


def client_request(
    fields: Mapping[str, object], body: Mapping[str, object], query: dict[str, str], headers: dict[str, str]
) -> ClientRequest:
    return read_client_request(fields, body, query, headers, lambda _: FACTS)


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
    arguments = request.submit_arguments
    assert arguments == {"conversation": "c-1", "priority": 3, "deadline": 2.5, "findings": ()}
    assert client_request(FIELDS, {}, {}, {}).submit_arguments == {
        "conversation": None,
        "priority": 0,
        "deadline": None,
        "findings": (),
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


@pytest.mark.parametrize("scale", [0, 0.0, "0"])
def test_scale_zero_is_guidance_off(scale: object) -> None:
    """utensils/mold#1283: model cards say guidance_scale=0.0, and diffusers takes all up to 1 as off."""
    read = client_request(FIELDS, {"guidance_scale": scale}, {}, {})
    assert read.request.scale == 1 and [finding.code for finding in read.findings] == ["scale-off"]


def test_a_true_scale_is_the_scale() -> None:
    """vllm-project/vllm-omni#7859: the other scale is then what a distilled model is told."""
    assert client_request(FIELDS, {"true_cfg_scale": 1.0}, {}, {}).request.scale == 1
    both = client_request(FIELDS, {"true_cfg_scale": 4.0, "guidance_scale": 3.5}, {}, {})
    assert both.request.scale == 4 and both.request.guidance is None
    (finding,) = both.findings
    assert finding.code == "not-carried-out" and "3.5" in finding.text


@pytest.mark.parametrize("place", ["body", "query", "header"])
def test_routes_in_every_place(place: str) -> None:
    """open-webui/open-webui#1459: the refusal tells people to allow a route."""
    body = {"routes": ["true-cfg", "check"]} if place == "body" else {}
    query = {"routes": "true-cfg,check"} if place == "query" else {}
    headers = {"x-negspace-routes": "true-cfg, check"} if place == "header" else {}
    assert client_request(FIELDS, body, query, headers).request.routes == ("true-cfg", "check")


@pytest.mark.parametrize(
    "name", ["negative_promt", "negative", "Negative-Prompt", "avoids", "my_policy", "polices"]
)
@pytest.mark.parametrize("place", ["body", "query", "header"])
def test_a_field_that_looks_like_ours_is_a_finding(name: str, place: str) -> None:
    """AUTOMATIC1111/stable-diffusion-webui#15372: a negative that is sent and not read is never silent."""
    body = {name: "hat"} if place == "body" else {}
    query = {name: "hat"} if place == "query" else {}
    headers = {f"x-negspace-{name.lower().replace('_', '-')}": "hat"} if place == "header" else {}
    read = client_request(FIELDS, body, query, headers)
    if place == "header" and name == "Negative-Prompt":
        assert read.request.avoid == "hat" and not read.findings
        return
    assert read.request.avoid is None and [finding.code for finding in read.findings] == ["unknown-field"]
    with pytest.raises(RequestError, match="strict"):
        client_request(FIELDS, {**body, "strict": True}, query, headers)


def test_fields_of_other_programs_that_ask_for_nothing_are_no_findings() -> None:
    body = {
        "user": "u",
        "style": "vivid",
        "quality": "hd",
        "hr_negative_prompt": "",
        "subseed": -1,
        "eta": 0.3,
    }
    assert client_request(FIELDS, body, {"page": "3"}, {"x-request-id": "7"}).findings == ()


def test_a_text_for_an_encoder_that_is_not_there_joins_what_is_avoided() -> None:
    read = client_request({**FIELDS, "avoid": "hat"}, {"negative_prompt_2": "fog"}, {}, {})
    assert read.request.avoid == "hat, fog" and read.request.other_avoids == ()
    assert [finding.code for finding in read.findings] == ["joined-texts"]


def test_a_value_that_is_replaced_is_a_finding() -> None:
    read = client_request({**FIELDS, "avoid": "hat"}, {}, {"negative_prompt": "fog"}, {})
    assert read.request.avoid == "hat" and [finding.code for finding in read.findings] == ["field-replaced"]
