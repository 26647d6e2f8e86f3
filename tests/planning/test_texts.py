"""What a request says on either side: inline forms, strict readings, lengths, embeddings, other dialects."""

from dataclasses import replace
from typing import Any

import pytest

import negspace as ns
from negspace import encoding
from negspace.errors import PromptError, RequestError
from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.planning.conversion import convert_plan
from negspace.planning.plan import Plan
from negspace.request import WEIGHTINGS

LANGUAGE = ns.EncoderFacts("t5", window=8, chunk=7, kind="llm")
FACTS = ns.ModelFacts(name="m", encoders=(ns.EncoderFacts(words=frozenset({"a", "cat", "hat"}), width=4),))
TAUGHT = replace(FACTS, embeddings=(EmbeddingFacts("bad-hands", 5, (4,), "bad-hands.pt", "0" * 64),))


def planned(prompt: str = "a cat", facts: ns.ModelFacts = FACTS, **fields: Any) -> Plan:
    return ns.plan(ns.Request.from_dict({"prompt": prompt, **fields}), facts)


def found(plan: Plan, code: str) -> list[Finding]:
    return [finding for finding in plan.findings if finding.code == code]


@pytest.mark.parametrize(
    ("prompt", "forms", "avoid", "positive", "negative", "spans"),
    [
        ("a cat | hat", ("bar",), None, "a cat", "hat", [(8, 11)]),
        ("a cat ### hat, b", ("hashes",), "", "a cat", "hat, b", [(10, 16)]),
        ("a --no hat --ar 2 cat", ("no",), "text", "a --ar 2 cat", "text, hat", [(7, 10)]),
        ("a --no x --no y | z", ("no", "bar"), "w", "a", "w, x, y, z", [(7, 8), (14, 15), (18, 19)]),
        ("a cat |", ("bar",), None, "a cat", "", []),
        ("a cat |", ("bar",), "hat", "a cat", "hat", []),
        ("a cat | hat", ("hashes",), None, "a cat | hat", None, []),
        ("a cat | hat", (), "b", "a cat | hat", "b", []),
        (r"a cat \| hat", ("bar",), None, r"a cat \| hat", None, []),
    ],
)
def test_inline_forms_join_what_avoid_says(
    prompt: str,
    forms: tuple[str, ...],
    avoid: str | None,
    positive: str,
    negative: str | None,
    spans: list[tuple[int, int]],
) -> None:
    plan = planned(prompt, inline=forms, avoid=avoid)
    assert (plan.positive, plan.negative) == (positive, negative)
    assert [moved.span for moved in plan.moved] == spans
    assert all(prompt[slice(*moved.span)] == moved.text for moved in plan.moved)
    assert plan.request.prompt == prompt and plan.request.avoid == avoid


def test_inline_forms_join_terms_as_terms() -> None:
    plan = planned("a cat | (hat:1.3), [text:0.5]", inline=("bar",), avoid=(ns.Avoid(term="blurry"),))
    assert [(term.avoid.term, term.avoid.weight, term.avoid.window) for term in plan.terms] == [
        ("blurry", 1.0, (0.0, 1.0)),
        ("hat", 1.3, (0.0, 1.0)),
        ("text", 1.0, (0.5, 1.0)),
    ]
    assert plan.negative == "blurry, (hat:1.3), text"


@pytest.mark.parametrize(
    ("avoid", "dialect"), [("smoke AND text :0.5", "a1111"), ('("a", "b").blend(1, 1)', "compel")]
)
def test_what_is_composed_is_not_joined_by_accident(avoid: str, dialect: str) -> None:
    with pytest.raises(RequestError, match="composed of parts"):
        planned("a cat | hat", inline=("bar",), avoid=avoid, dialect=dialect)
    assert planned("a cat |", inline=("bar",), avoid=avoid, dialect=dialect).negative == avoid


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(RequestError, match="no inline form is called 'pipe'"):
        planned(inline=("pipe",))


@pytest.mark.parametrize("side", ["prompt", "avoid"])
def test_gap_a_number_that_is_none_is_found_or_refused_with_its_place(side: str) -> None:
    """`(x:1.2.3)`: text with a finding where the reading is lenient, an error where it is strict."""
    texts: dict[str, Any] = {"prompt": "a cat", "avoid": "hat"} | {side: "a (hat:1.2.3)"}
    (finding,) = found(planned(**texts), "number")
    assert (finding.side, finding.span, finding.level) == (side, (7, 12), "warning")
    with pytest.raises(PromptError, match=rf"{side}: '1.2.3' is not a weight.*characters 7 to 12") as caught:
        planned(**texts, reading="strict")
    assert caught.value.span == (7, 12)
    assert planned(avoid="(hat:1.2), [cat:0.5]", reading="strict").acts


def test_a_strict_reading_covers_every_text() -> None:
    two = replace(FACTS, encoders=FACTS.encoders * 2)
    others: list[dict[str, Any]] = [{"other_prompts": ("a (cat",)}, {"other_avoids": ("a (cat",)}]
    for fields in others:
        with pytest.raises(PromptError, match="never closed"):
            planned(facts=two, reading="strict", **fields)
    with pytest.raises(PromptError, match="never closed"):
        planned(avoid=(ns.Avoid(term="(hat"),), reading="strict")
    with pytest.raises(RequestError, match="reading"):
        planned(reading="loose")


def test_an_unknown_weighting_is_refused_before_anything_is_opened() -> None:
    with pytest.raises(RequestError, match="no weighting is called 'lerb'; did you mean 'lerp'"):
        planned(weighting="lerb")
    assert tuple(encoding.WEIGHTINGS) == WEIGHTINGS


def test_words_that_would_be_cut_are_named_with_their_encoder() -> None:
    facts = replace(FACTS, encoders=(*FACTS.encoders, LANGUAGE))
    plan = planned("a cat, a hat, a boat, a house", facts=facts, avoid="hat " * 80)
    first, second = found(plan, "cut-words")
    assert first.text == "t5 reads 7 tokens; about 4 more would be cut: boat a house"
    assert first.side == "prompt" and first.span == (16, 29)
    assert second.side == "avoid" and "about 73 more" in second.text
    (long,) = found(plan, "long")
    assert long.side == "avoid" and "read in several" in long.text
    assert not found(planned("hat " * 500), "cut-words"), "windows never cut"


def test_an_embedding_is_a_word_of_several_tokens() -> None:
    plan = planned(facts=TAUGHT, embeddings=("bad-hands.pt",), avoid="(Bad-Hands:1.2), hat, hand")
    assert [(term.avoid.term, term.tokens, term.known) for term in plan.terms] == [
        ("Bad-Hands", 5, True),
        ("hat", 1, True),
        ("hand", 1, False),
    ]
    assert plan.embeddings == TAUGHT.embeddings and not found(plan, "embedding-not-named")
    named = planned("a cat, embedding:bad-hands", facts=TAUGHT)
    assert not found(named, "embedding-not-named") and not found(named, "unknown-word")


def test_an_embedding_that_nothing_names_is_found() -> None:
    (finding,) = found(planned(facts=TAUGHT, avoid="bad-hands-2, hat"), "embedding-not-named")
    assert "'bad-hands' is given and named in no text" in finding.text


def test_an_embedding_for_another_model_is_refused() -> None:
    wide = replace(TAUGHT, embeddings=(replace(TAUGHT.embeddings[0], widths=(768,)),))
    with pytest.raises(RequestError, match="vectors of 768, but m reads vectors of 4"):
        planned(facts=wide, embeddings=("bad-hands.pt",))
    two = replace(wide, encoders=(FACTS.encoders[0], replace(FACTS.encoders[0], width=6), LANGUAGE))
    with pytest.raises(RequestError, match="vectors of 4 and 6"):
        planned(facts=two, embeddings=("bad-hands.pt",))
    with pytest.raises(RequestError, match="'x.pt' was not read"):
        planned(embeddings=("x.pt",))


def test_both_texts_are_said_in_another_dialect() -> None:
    plan = planned("a ((cat:1.5))", avoid="[hat]")
    told = convert_plan(plan, "compel")
    assert told.positive is not None and told.negative is not None and not told.findings
    for text, other in ((plan.positive, told.positive), ("[hat]", told.negative)):
        mine, theirs = ns.prompt.parse(text).chunks, ns.prompt.parse(other, "compel").chunks
        assert [(chunk.text.strip(), chunk.weight) for chunk in mine] == [*theirs]


def test_what_another_dialect_cannot_say_is_found_with_its_place() -> None:
    told = convert_plan(planned("a [cat:hat:0.5]", avoid=None), "comfy")
    assert told.positive is None and told.negative is None
    (finding,) = told.findings
    assert finding.code == "not-convertible" and finding.span == (2, 15) and finding.side == "prompt"
    assert type(told).from_json(told.to_json()) == told
    with pytest.raises(RequestError, match="no dialect is called 'comfi'"):
        convert_plan(planned(), "comfi")


@pytest.mark.parametrize("scale", [1.0000000000000002, 0.9999999999999999])
def test_gap_a_scale_that_rounding_moved_off_1_is_1(scale: float) -> None:
    plan = planned(avoid="hat", scale=scale)
    assert plan.scale == 1.0 and "the scale is 1" in str(plan.why_not)
    assert planned(avoid="hat", scale=1.001).acts
