"""Nothing that looks like syntax vanishes or turns into words without a finding, in any dialect."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import negspace as ns
from negspace.errors import PromptError
from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.prompt import DIALECTS, FOREIGN_FORMS, ForeignForm, Lora, compose, parse, schedules_of, unfold
from negspace.prompt.comparison import words_of

FACTS = ns.ModelFacts(name="m")
FORMS = {form.name: form for form in FOREIGN_FORMS}

words = st.lists(
    st.sampled_from(["red", "a snowman", "night,", "(snow)", "16", "夜", "it's", "well-lit", "a\nb"]),
    max_size=6,
)


def request_of(side: str, dialect: str, text: str) -> ns.Request:
    """A request with a text on one side."""
    if side == "prompt":
        return ns.Request(prompt=text, dialect=dialect)
    return ns.Request(prompt="a cat", avoid=text, dialect=dialect)


def warnings_at(side: str, dialect: str, text: str, span: tuple[int, int]) -> list[Finding]:
    """The warnings of a plan on a place of its prompt, or of what it avoids."""
    findings = ns.plan(request_of(side, dialect, text), FACTS).findings
    warnings = [finding for finding in findings if finding.level == "warning" and finding.side == side]
    return [
        finding
        for finding in warnings
        if finding.span and finding.span[0] < span[1] and span[0] < finding.span[1]
    ]


def differs(text: str, dialect: str) -> bool:
    """Whether a dialect reads something else than the letters."""
    letters = [(word, 1.0) for word, _, _ in words_of(parse(text, "plain"))]
    prompt = parse(text, dialect)
    if len(compose(text, dialect)) > 1 or prompt.loras or prompt.structure or schedules_of(text):
        return True
    return [(word, weight) for word, weight, _ in words_of(prompt)] != letters


@given(words, words, st.sampled_from(FOREIGN_FORMS), st.sampled_from(sorted(DIALECTS)), st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_form_is_carried_out_or_told(
    before: list[str], after: list[str], form: ForeignForm, dialect: str, negative: bool
) -> None:
    start = " ".join(before) + " " * bool(before)
    text = start + form.example + " " * bool(after) + " ".join(after)
    span = (len(start), len(start) + len(form.example))
    side = "avoid" if negative else "prompt"
    if form.name in DIALECTS[dialect].native:
        assert dialect == "plain" or differs(form.example, dialect)
        return
    assert warnings_at(side, dialect, text, span)
    with pytest.raises(PromptError):
        ns.plan(request_of(side, dialect, text).model_copy(update={"reading": "strict"}), FACTS)


def test_shipped_dialects_say_what_they_read() -> None:
    assert {name for dialect in DIALECTS.values() for name in dialect.native} <= set(FORMS)
    assert "tag" in DIALECTS["a1111"].native and "tag" not in DIALECTS["plain"].native


@pytest.mark.parametrize(
    "text",
    [
        "a well-lit, high-quality photo - of a cat, 16:9, C + D, 4-5 people",
        "Spider-Man, t-shirt, e.g. this: that. (red), \\(x\\)",
        "50% off! #1 a/b & c; it's 5 < 6 > 4",
        "a -- b, A+, 18+, x__y",
    ],
)
def test_ordinary_text_is_no_form(text: str) -> None:
    for dialect in ("a1111", "comfy", "compel"):
        assert not [finding for finding in parse(text, dialect).findings if finding.code == "foreign-form"]


@pytest.mark.parametrize(
    ("text", "dialect", "code", "place"),
    [
        ("(blurry:-1.5,)", "a1111", "number", ":-1.5,"),  # pamparamm/ComfyUI-ppm#10
        ("(blurry:-1.5,)", "comfy", "number", ":-1.5,"),
        ("a (x:1,3)", "a1111", "number", ":1,3"),
        ("a (x:−1.5)", "a1111", "number", ":−1.5"),
        ("a (x:−1.5)", "comfy", "number", ":−1.5"),
        ("a (x:1e3)", "a1111", "number", ":1e3"),
        ("a (x:１，３)", "a1111", "number", ":１，３"),
        ("happy (camper:0.3)", "compel", "foreign-form", "(camper:0.3)"),  # damian0815/compel#16
        ("happy (camper:0,3)", "compel", "foreign-form", "(camper:0,3)"),
        ("hat++", "a1111", "foreign-form", "++"),
        ("(blurry)1.3", "a1111", "foreign-form", ")1.3"),
        ("a AND_PERP b :1.2", "a1111", "foreign-form", "AND_PERP"),
        ("(x：1.3)", "a1111", "foreign-form", "：1.3)"),
        ("a —no hat", "a1111", "foreign-form", "—no"),
        ("a –no hat", "plain", "foreign-form", "–no"),
    ],
)
def test_reported_forms(text: str, dialect: str, code: str, place: str) -> None:
    findings = [finding for finding in parse(text, dialect).findings if finding.code == code]
    assert [text[slice(*finding.span or ())] for finding in findings] == [place]
    with pytest.raises(PromptError):
        parse(text, dialect, strict=True)


@pytest.mark.parametrize(
    ("tag", "lora"),
    [
        ("<lora:detail>", Lora("detail", 1.0)),
        ("<lora:detail:0.8>", Lora("detail", 0.8)),
        ("<lyco:a b:-1>", Lora("a b", -1.0)),
        ("<lora:detail:0.8:0.5>", Lora("detail", 0.5, 0.8)),
        ("<lora:detail:te=0:unet=1>", Lora("detail", 1.0, 0.0)),
        ("<lora:detail:unet=0.5>", Lora("detail", 0.5, 1.0)),
    ],
)
def test_a_tag_of_a_lora_leaves_the_text(tag: str, lora: Lora) -> None:
    """AUTOMATIC1111/stable-diffusion-webui#14475: a command, never words."""
    text = f"a cat{tag}, night"
    prompt = parse(text)
    assert prompt.loras == (lora,) and prompt.clean == "a cat, night"
    assert text[slice(*prompt.loras[0].span)] == tag
    assert [(finding.code, finding.text, finding.span) for finding in prompt.findings] == [
        ("lora", f"not carried out: {tag}: use --lora", (5, 5 + len(tag)))
    ]
    with pytest.raises(PromptError, match="use --lora"):
        parse(text, strict=True)


@pytest.mark.parametrize("tag", ["<hypernet:x:1>", "<lora:x:abc>", "<lora:x:1:1:4>", "<lora:x:dyn=4>"])
def test_what_a_tag_says_and_nobody_carries_out_is_told(tag: str) -> None:
    prompt = parse(f"a {tag} cat")
    assert prompt.clean == "a  cat"
    (finding, *_) = [finding for finding in prompt.findings if finding.code == "tag"]
    assert finding.span == (2, 2 + len(tag)) and "not carried out" in finding.text


def test_tags_are_taken_out_before_anything_else_is_read() -> None:
    text = "a [red:<lora:x:1>blue:2] AND <lora:y AND z:2>dog :0.5<lora:w:3>"
    first, second = unfold(text, 4)
    assert second.factor == 0.5 and second.at(1).clean == "dog"
    assert [first.at(step).clean for step in (1, 3)] == ["a red", "a blue"]
    names = ["x", "y AND z", "w"]
    for part in (first, second):
        for _, prompt in part.prompts:
            assert [lora.name for lora in prompt.loras] == names
            for chunk in prompt.chunks:
                assert chunk.text.split()[-1] in text[slice(*chunk.span)]


def test_what_the_caller_carries_out_is_no_reason_to_refuse() -> None:
    text = "a cat <lora:x:1> <lora:y:1>"
    unfold(text, 4, strict=True, carried_loras=("x", "y"))
    with pytest.raises(PromptError, match="lora:y"):
        unfold(text, 4, strict=True, carried_loras=("x",))
    unfold("a cat withLora(x, 1)", 4, "compel", strict=True, carried_loras=("x",))


def test_a_plan_names_the_tags_of_both_sides() -> None:
    request = ns.Request(prompt="a cat <lora:detail:0.8>", avoid="hat, <lora:bad:1>")
    plan = ns.plan(request, FACTS)
    assert [term.avoid.term for term in plan.terms] == ["hat"]
    places = [(finding.side, finding.span) for finding in plan.findings if finding.code == "lora"]
    assert places == [("prompt", (6, 23)), ("avoid", (5, 17))]
    with pytest.raises(PromptError, match="prompt: not carried out: <lora:detail:0.8>"):
        ns.plan(request.model_copy(update={"reading": "strict"}), FACTS)


def test_a_call_of_compel_is_named_and_refused() -> None:
    request = ns.Request(prompt="a cat withLora(hat, 0.5)", dialect="compel")
    assert [finding.code for finding in ns.plan(request, FACTS).findings if finding.level == "warning"] == [
        "lora"
    ]
    swap = ns.Request(prompt="a cat.swap(dog)", dialect="compel")
    (finding,) = [finding for finding in ns.plan(swap, FACTS).findings if finding.code == "swap"]
    assert finding.span == (2, 15)
    for strict in (request, swap):
        with pytest.raises(PromptError, match="not carried out"):
            ns.plan(strict.model_copy(update={"reading": "strict"}), FACTS)


def test_an_embedding_is_read_with_the_ending_of_its_file_or_named() -> None:
    text = "hat, embedding:Easy.safetensors"
    embedding = EmbeddingFacts("easy", 2, (768,), "easy.safetensors", "00")
    loaded = ns.ModelFacts(name="m", embeddings=(embedding,))
    request = ns.Request(prompt="a cat", avoid=text, embeddings=("easy.safetensors",))
    assert not [finding for finding in ns.plan(request, loaded).findings if "embedding" in finding.code]
    bare = ns.Request(prompt="a cat", avoid=text)
    (finding,) = [finding for finding in ns.plan(bare, FACTS).findings if "embedding" in finding.code]
    assert (finding.code, finding.span, finding.side) == ("embedding-not-loaded", (5, 31), "avoid")
    with pytest.raises(PromptError, match="not loaded"):
        ns.plan(bare.model_copy(update={"reading": "strict"}), FACTS)


def test_commas_of_other_scripts_divide_terms() -> None:
    plan = ns.plan(ns.Request(prompt="a", avoid="hat，blurry、text, （fog：1.3）"), FACTS)
    assert [term.avoid.term for term in plan.terms][:3] == ["hat", "blurry", "text"]
    assert [finding.span for finding in plan.findings if finding.code == "foreign-form"] == [(17, 26)]


def test_terms_and_texts_for_other_encoders_are_looked_at() -> None:
    facts = ns.ModelFacts(name="m", encoders=(ns.EncoderFacts(), ns.EncoderFacts()))
    request = ns.Request(prompt="a", avoid=(ns.Avoid(term="hat++"),), other_prompts=("(b)1.3",))
    texts = [finding.text for finding in ns.plan(request, facts).findings if finding.code == "foreign-form"]
    assert len(texts) == 2 and texts[1].startswith("in '(b)1.3': ")
