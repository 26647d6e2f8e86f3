"""Policies: read with their lines, extended, never weakened; and those that ship."""

from pathlib import Path

import pytest

from negspace.errors import PolicyError
from negspace.policy.loading import load_policy, parse_policy, shipped_names
from negspace.policy.policy import Policy
from training.world.table import of

HEAD = "name: mine\nversion: 3\nexplain: For tests.\n"


def test_a_policy_is_read_with_its_defaults() -> None:
    policy = parse_policy(
        HEAD + "avoid:\n  - hat\n  - {term: gray scarf, weight: 1.3, check: flag, also: [shawl]}\n"
    )
    hat, scarf = policy.avoid
    assert (hat.term, hat.weight, hat.window, hat.check, hat.locked) == (
        "hat",
        1.0,
        (0.0, 1.0),
        "none",
        False,
    )
    assert (scarf.weight, scarf.check, scarf.also) == (1.3, "flag", ("shawl",))
    assert policy.label == hat.origin == "mine@3"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "avoid:\n  - term: hat\n    wieght: 1\n",
            "line 6: no key is called 'wieght'; did you mean 'weight'",
        ),
        ("avoyd: [hat]\n", "line 4: no key is called 'avoyd'; did you mean 'avoid'"),
        ("applies_to:\n  model: [x]\n", "line 5: no key is called 'model'"),
        ("avoid: [{term: hat, weight: .nan}]\n", "line 4: avoid.0.weight"),
        ("avoid:\n- {term: hat, weight: 0}\n", "line 5: avoid.0.weight"),
        ("avoid:\n- {term: hat, weight: 20}\n", "line 5: avoid.0.weight"),
        ("avoid:\n- hat\n- {term: hat, window: [0.5, 0.5]}\n", "line 6: avoid.1: the window"),
        ("avoid:\n- {term: 'hat, scarf'}\n", "line 5: avoid.0.term: 'hat, scarf' says several things"),
        ("avoid:\n- {term: '()'}\n", "line 5: avoid.0.term: '\\(\\)' has no word"),
        ("avoid:\n- {term: hat, check: maybe}\n", "line 5: avoid.0.check"),
        ("avoid:\n- {weight: 1}\n", "line 5: 'avoid.0.term' is missing"),
        ("avoid:\n- {term: hat, origin: other@1}\n", "line 5: origin is filled in"),
        ("name: other\n", "line 4: 'name' appears twice"),
        ("avoid: &x [hat]\n", "line 4: anchors"),
        ("avoid: [hat\n", "line 5: not YAML"),
        ("least_scale: 1\n", "line 4: least_scale"),
        ("extends: [no-such]\n", "no policy is called 'no-such'"),
        ("avoid: !!python/object/apply:os.getcwd []\n", "not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse_policy(HEAD + text)


@pytest.mark.parametrize("text", ["", "- hat", "hat", "[" * 5000])
def test_what_is_no_policy_is_refused(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text)


def test_a_block_is_refused_unchecked_unless_its_policy_or_one_that_extends_it_says_otherwise(
    tmp_path: Path,
) -> None:
    base = "name: base\nversion: 1\nexplain: B.\nlocked: true\navoid:\n- {term: hat, check: block}\n- text\n"
    (tmp_path / "base.yaml").write_text(base)
    (tmp_path / "mine.yaml").write_text(HEAD + "extends: [base.yaml]\nunchecked: deliver\navoid: [scarf]\n")
    assert [term.unchecked for term in parse_policy(base).avoid] == ["refuse", "refuse"]
    taken, text, scarf = load_policy(tmp_path / "mine.yaml").avoid
    assert (taken.unchecked, taken.origin, taken.locked) == ("deliver", "mine@3", True)
    assert (text.origin, scarf.unchecked) == ("base@1", "deliver")
    (tmp_path / "back.yaml").write_text(
        "name: back\nversion: 1\nexplain: S.\nextends: [mine.yaml]\nunchecked: refuse\n"
    )
    assert load_policy(tmp_path / "back.yaml").avoid[0].unchecked == "refuse"
    with pytest.raises(PolicyError, match="line 4: unchecked"):
        parse_policy(HEAD + "unchecked: perhaps\n")


def test_what_was_made_ready_does_not_outlive_a_change() -> None:
    policy = parse_policy(HEAD + "locked: true\navoid: [hat]\n")
    free = policy.avoid[0].model_copy(update={"locked": False})
    assert policy.compiled.terms[0].locked and policy.compiled is policy.compiled
    assert not policy.model_copy(update={"avoid": (free,)}).compiled.terms[0].locked


def test_extends_takes_terms_over_and_lets_them_be_changed(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(
        "name: base\nversion: 1\nexplain: B.\navoid: [hat, {term: text, weight: 1.2}]\nrequire: [calm]\n"
    )
    top = tmp_path / "top.yml"
    top.write_text(
        HEAD + "extends: [base.yaml]\navoid: [scarf, {term: Texts, weight: 0.5}]\nrequire: [warm]\n"
    )
    policy = load_policy(top)
    assert [(term.term, term.weight, term.origin) for term in policy.avoid] == [
        ("hat", 1.0, "base@1"),
        ("Texts", 0.5, "mine@3"),
        ("scarf", 1.0, "mine@3"),
    ]
    assert policy.require == ("calm", "warm")


@pytest.mark.parametrize(
    "term",
    [
        "{term: nudity, weight: 0.1, check: block, locked: true}",
        "{term: nudity, weight: 1.2, check: none, locked: true, also: [nude, naked, topless, nsfw]}",
        "{term: nudity, weight: 1.2, check: block}",
        "{term: nudity, weight: 1.2, check: block, locked: true, window: [0.5, 1]}",
        "{term: nudity, weight: 1.2, check: block, locked: true, unless: [art]}",
    ],
)
def test_a_locked_term_is_not_weakened_by_extending(term: str) -> None:
    with pytest.raises(PolicyError, match="locked by brand-safety@1"):
        parse_policy(HEAD + f"extends: [brand-safety]\navoid: [{term}]\n")


def test_circles_are_told(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.yaml").write_text(
            f"name: {one}\nversion: 1\nexplain: x\nextends: [{other}.yaml]\n"
        )
    with pytest.raises(PolicyError, match="circle"):
        load_policy(tmp_path / "a.yaml")


def test_what_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="did you mean 'quality-floor'"):
        load_policy("quality-flor")
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.yaml")


def test_who_it_concerns() -> None:
    pony, everyone = load_policy("pony-diffusion-v6").applies_to, load_policy("quality-floor").applies_to
    assert pony.why_not("sdxl", "ponyDiffusionV6XL", None) is None
    assert "checkpoints" in str(pony.why_not("sdxl", "sd_xl_base_1.0", None))
    assert everyone.why_not("anything", "at all", None) is None
    tenants = parse_policy(HEAD + "applies_to: {tenants: [acme], families: [sd]}\n").applies_to
    assert tenants.why_not("sd", "m", "acme") is None
    assert tenants.why_not("sd", "m", None) and tenants.why_not("flux", "m", "acme")


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_policy_is_short_and_says_why(name: str) -> None:
    policy = load_policy(name)
    assert policy.name == name
    assert policy.explain and policy.source
    assert (0 if policy.recommends else 1) <= len(policy.avoid) <= 25
    assert all(term.locked is not None and term.origin for term in policy.avoid)
    for term in policy.avoid:
        assert not set(term.phrases[0]) & {"ugly", "bad-artist"}


def test_what_ships() -> None:
    assert {"quality-floor", "brand-safety", "medical-illustration", "product-photo", "childrens-book"} < set(
        shipped_names()
    )
    assert all(term.locked for term in load_policy("brand-safety").avoid)
    floor = load_policy("quality-floor")
    assert floor.extends == tuple(
        f"quality-{group}" for group in ("anatomy", "technical", "marks", "composition")
    )
    assert len({term.origin for term in floor.avoid}) == 4


def test_the_drawn_world_is_avoided_in_its_own_words() -> None:
    terms = [term.term for term in load_policy("drawn-world").avoid]
    assert terms == [concept.name for concept in of("defect")]


def test_a_fingerprint_changes_with_what_is_said() -> None:
    one, other = (parse_policy(HEAD + f"avoid: [{term}]\n") for term in ("hat", "cap"))
    assert one.fingerprint != other.fingerprint
    assert Policy.model_validate_json(one.model_dump_json()) == one


def test_every_shipped_policy_says_where_it_comes_from_and_every_term_of_ours_why() -> None:
    for name in shipped_names():
        policy = load_policy(name)
        assert policy.source and policy.explain and len(policy.avoid) <= 25, name
        if policy.recommends is None:  # a template is its makers' list, and its source says so
            assert all(term.reason for term in policy.avoid), name
