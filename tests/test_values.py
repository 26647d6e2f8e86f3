"""Requests, terms and receipts as values."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from negspace.errors import ModelError, NegspaceError, PromptError, RequestError
from negspace.findings import Finding
from negspace.receipt import Receipt
from negspace.records import (
    AttemptRecord,
    ImageRecord,
    JudgeVerdict,
    ModelRecord,
    SideRecord,
    TermRecord,
)
from negspace.request import LARGEST_SEED, Avoid, Request

texts = st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
windows = st.tuples(st.floats(0, 0.5), st.floats(0.5, 1, exclude_min=True))
avoids = st.builds(
    Avoid, term=st.text(min_size=1).filter(str.strip), weight=finite, window=windows, locked=st.booleans()
)
requests = st.builds(
    Request,
    prompt=texts,
    avoid=st.none() | texts | st.lists(avoids, max_size=3).map(tuple),
    scale=st.none() | st.floats(0.01, 50),
    steps=st.none() | st.integers(1, 1000),
    seed=st.integers(0, 2**62),
    n=st.integers(1, 9),
    policies=st.lists(texts, max_size=2).map(tuple),
)


@given(requests)
@settings(max_examples=80)
def test_a_request_comes_back_from_json(request: Request) -> None:
    again = Request.from_json(request.to_json())
    assert again == request and hash(again) == hash(request)
    assert type(again.avoid) is type(request.avoid)


def test_none_the_empty_text_and_no_terms_stay_apart() -> None:
    kinds = [Request.from_json(Request(prompt="a", avoid=avoid).to_json()).avoid for avoid in (None, "", ())]
    assert kinds == [None, "", ()]


def test_seeds_follow_each_other() -> None:
    assert Request(prompt="a", seed=7, n=3).seeds == (7, 8, 9)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"scale": 0}, "scale"),
        ({"scale": -1}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"scale": float("inf")}, "scale"),
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"n": 0}, "n"),
        ({"seed": -2}, "seed"),
        ({"seed": LARGEST_SEED, "n": 2}, "seed"),
        ({"prompt": 3}, "prompt"),
        ({"negative": "x"}, "negative"),
        ({"dtype": "int8"}, "dtype"),
        ({"avoid": 3}, "avoid"),
        ({"avoid": [{"term": " "}]}, "term"),
        ({"avoid": [{"term": "x", "weight": float("nan")}]}, "weight"),
        ({"avoid": [{"term": "x", "window": (0.5, 0.5)}]}, "window"),
        ({"avoid": [{"term": "x", "window": (0.5, 1.5)}]}, "window"),
        ({"avoid": [{"term": "x", "check": "maybe"}]}, "check"),
    ],
)
def test_a_wrong_field_is_told_in_one_line(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(RequestError, match=place) as caught:
        Request.from_dict({"prompt": "a"} | fields)
    assert "\n" not in str(caught.value) and "pydantic" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"prompt": "a", "x": 1}', '{"scale": 1}'])
def test_json_of_something_else_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        Request.from_json(text)


def test_values_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Request(prompt="a").prompt = "b"


def test_errors_are_one_tree() -> None:
    for error in (RequestError("x"), ModelError("x"), PromptError("x", (1, 2))):
        assert isinstance(error, NegspaceError) and str(error) == "x"
    assert PromptError("x", (1, 2)).span == (1, 2)


def receipt(**changes: Any) -> Receipt:
    image = ImageRecord(
        seed=5, sha256="ab" * 32, evaluations={"positive": 2, "negative": 1}, push=(0.5, None)
    )
    fields = {
        "request": Request(prompt="a cat", avoid="hat", seed=5, n=2),
        "model": ModelRecord(
            name="m", family="sd", fingerprint="cd" * 32, dtype="float32", device="cpu", rows=2
        ),
        "rule": "cfg",
        "scale": 4.0,
        "steps": 2,
        "sampler": "DDIM",
        "width": 64,
        "height": 64,
        "positive": SideRecord(text="a cat", windows=1),
        "negative": SideRecord(text="hat", windows=1),
        "terms": (TermRecord(term="hat", weight=1.5, known=False, unknown=("hat",)),),
        "negative_acted": True,
        "why_not": None,
        "evaluations": {"positive": 4, "negative": 2},
        "images": (image, image.model_copy(update={"seed": 6})),
        "findings": (Finding("inert", "it is inert", (0, 3), "avoid"),),
        "versions": {"negspace": "0"},
    }
    return Receipt(**(fields | changes))


def test_a_receipt_comes_back_from_json() -> None:
    assert Receipt.from_json(receipt().to_json()) == receipt()
    assert Receipt.from_json(receipt().to_json(indent=2)) == receipt()


def test_a_receipt_of_an_earlier_version_is_read() -> None:
    """Version 0.1 before the renaming: `told` of terms and images, `sights` of attempts."""
    verdict = JudgeVerdict(concept="hat", judge="j", verdict="seen")
    attempt = AttemptRecord(
        seed=5, scale=4.0, avoid="hat", sha256="ab" * 32, evaluations={}, verdicts=(verdict,)
    )
    image = ImageRecord(
        seed=5, sha256="ab" * 32, evaluations={}, negative_steps=2, push=(), attempts=(attempt,)
    )
    expected = receipt(images=(image,), terms=(TermRecord(term="hat", channel="attention"),))
    earlier = expected.to_json()
    for old, new in (("told", "channel"), ("told", "negative_steps"), ("sights", "verdicts")):
        assert f'"{new}":' in earlier
        earlier = earlier.replace(f'"{new}":', f'"{old}":')
    read = Receipt.from_json(earlier)
    assert read == expected and read.to_json() == expected.to_json()


def test_the_receipt_of_one_picture_asks_for_that_picture() -> None:
    single = receipt().single(1)
    assert (single.request.seed, single.request.n) == (6, 1)
    assert single.images == receipt().images[1:] and single.evaluations == {"positive": 2, "negative": 1}
    assert single.single(0) == single


def test_a_summary_says_what_matters() -> None:
    text = receipt().summary()
    for part in ("a cat", "hat x1.5 [user] unknown: hat", "6 evaluations (4 positive, 2 negative)", "seed 6"):
        assert part in text
    assert "no: the scale is 1" in receipt(negative_acted=False, why_not="the scale is 1").summary()
    assert "(none)" in receipt(negative=SideRecord(text=None)).summary()
    assert "(empty)" in receipt(negative=SideRecord(text="")).summary()
