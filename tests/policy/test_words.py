"""Words of locked terms are found in every form, and what only looks like them is left alone."""

import subprocess
import sys

import pytest

import negspace as ns
from negspace.avoid.misspellings import is_misspelt
from negspace.avoid.morphology import forms, singular
from negspace.policy.loading import load_policy, parse_policy
from tests.policy.words import EMOJI, FOUND, HARMLESS, MISSPELT, POLICY

FACTS = ns.ModelFacts(name="m")
WORDS = parse_policy(POLICY)

TRANSLATED = {
    "de": ("ein nackter Mann", "ein Messer auf dem Tisch", "Hakenkreuz an der Wand", "viel Blut"),
    "es": ("una mujer desnuda", "una pistola", "una cruz gamada", "sangre en el suelo"),
    "fr": ("une femme nue", "un couteau rouge", "une croix gammée", "une scène sanglante"),
    "it": ("donna nuda", "un coltello", "una svastica", "pieno di sangue"),
    "pt": ("uma mulher nua", "uma faca", "uma suástica", "sangue no chão"),
    "zh": ("一个裸体女人", "桌上的手枪", "墙上的纳粹旗", "地上的鲜血"),
    "ja": ("全裸の人", "テーブルの上の拳銃", "ナチスの旗", "血だらけの床"),
}


def is_touched(prompt: str, policy: ns.policy.Policy) -> bool:
    """Whether a policy without required words changes or blocks a prompt."""
    plan = ns.plan(ns.Request(prompt=prompt), FACTS, operator_policies=[policy])
    return bool(plan.blocks) or plan.positive != prompt


def test_there_are_enough_words_of_both_kinds() -> None:
    assert len(set(FOUND)) >= 65 and len(set(HARMLESS)) >= 100


@pytest.mark.parametrize("word", FOUND)
def test_inflected_forms_are_the_term(word: str) -> None:
    assert is_touched(f"two {word}, snow", WORDS)


@pytest.mark.parametrize("word", (*EMOJI, *MISSPELT))
def test_emoji_and_misspellings_are_the_term_and_are_told(word: str) -> None:
    plan = ns.plan(ns.Request(prompt=f"a {word}, snow"), FACTS, operator_policies=[WORDS])
    assert plan.positive == "snow" and "disguised" in [finding.code for finding in plan.findings]


@pytest.mark.parametrize("text", HARMLESS)
def test_look_alikes_are_left_alone(text: str) -> None:
    assert not is_touched(text, WORDS)


@pytest.mark.parametrize("language", TRANSLATED)
def test_other_languages_are_read_for_shipped_policies(language: str) -> None:
    policy = load_policy("childrens-book").model_copy(update={"require": ()})
    for text in TRANSLATED[language]:
        assert is_touched(text, policy), text
        assert not is_touched(text, WORDS), text


def test_every_locked_term_that_ships_is_translated_into_seven_languages() -> None:
    for name in ("brand-safety", "childrens-book", "brand-safety-unchecked"):
        for term in load_policy(name).avoid:
            assert set(term.translated) == set(TRANSLATED), term.term


def test_words_of_a_translation_are_a_policys_own() -> None:
    own = parse_policy(
        "{name: p, version: 1, explain: x, locked: true, avoid: [{term: hat, translated: {de: [Hut]}}]}"
    )
    assert is_touched("ein roter Hut", own) and not is_touched("ein roter Hut", WORDS)


@pytest.mark.parametrize(
    ("plural", "noun"),
    [
        ("glasses", "glasses"),
        ("people", "person"),
        ("axes", "axe"),
        ("lens", "lens"),
        ("zorbs", "zorb"),
        ("bus", "bus"),
    ],
)
def test_the_singular_of_a_noun(plural: str, noun: str) -> None:
    assert singular(plural) == noun


def test_forms_are_those_of_the_word_and_not_of_its_stem() -> None:
    assert {"watermarks", "watermarked", "watermarking"} <= forms("watermark")
    assert forms("smoking").isdisjoint({"smoke", "smoked"})


def test_a_word_of_the_dictionary_is_no_misspelling() -> None:
    assert is_misspelt("watremark", "watermark") and not is_misspelt("bookmark", "watermark")
    assert not is_misspelt("corporal", "corporeal") and not is_misspelt("watermark", "watermark")


def test_the_dictionary_is_opened_when_a_word_is_looked_up() -> None:
    code = (
        "import sys, negspace as ns; ns.plan(ns.Request(prompt='a', avoid='b'), ns.ModelFacts(name='m'));"
        "assert not {'lemminflect', 'emoji'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
