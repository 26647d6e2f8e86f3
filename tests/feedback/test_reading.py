"""What everyday sentences ask for, by hand and as laws over conversations."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.avoid import AvoidList
from negspace.avoid.matching import phrase
from negspace.avoid.merging import Claim, Rank, merge
from negspace.feedback import History, answer_of, revise
from negspace.feedback.clauses import plain_words
from negspace.feedback.lexicon import known_concepts
from negspace.feedback.suggestions import suggestions_for
from negspace.request import Avoid


def told(text: str, avoid: str | None = None) -> list[str]:
    """Changes as -x and +x, then the kinds of the statements."""
    revision = revise(avoid, text)
    made = [change for change in revision.changes if change.why_not is None]
    changes = [("+" if change.direction == "allow" else "-") + change.concept for change in made]
    return changes + [statement.kind for statement in revision.statements]


@pytest.mark.parametrize(
    ("text", "avoid", "meaning"),
    [
        # of the issue
        ("great, keep it", "hat", ["praise", "praise"]),
        ("the watermark is gone, good", "watermark", ["success", "praise"]),
        ("actually the hat was nice", "hat", ["+hat", "praise"]),
        ("why is it snowing?", None, ["question"]),
        ("a bit less blurry", "hat", ["-blurry"]),
        # signs multiply
        ("stop hiding the scarf", "scarf", ["+scarf"]),
        ("stop adding a scarf", None, ["-scarf"]),
        ("you forgot to remove the scarf", None, ["-scarf"]),
        ("the scarf should not have been removed", "scarf", ["+scarf"]),
        ("I hate that you removed the scarf", "scarf", ["+scarf"]),
        ("I want the scarf gone", None, ["-scarf"]),
        ("the picture looks empty without the scarf", "scarf", ["+scarf"]),
        ("it would look better without the scarf", None, ["-scarf"]),
        ("I don't mind the scarf", "scarf", ["+scarf"]),
        ("would you mind removing the scarf?", None, ["-scarf"]),
        # tense
        ("you removed the scarf, thanks", "scarf", ["success", "praise"]),
        ("you added a scarf", None, ["-scarf"]),
        ("the scarf has not been removed", "scarf", ["-scarf"]),
        ("why did you remove the scarf", "scarf", ["+scarf"]),
        # a report is no request
        ("looks sharper than last time", "blurry", ["success"]),
        ("make it sharper", None, ["-blurry"]),
        ("it's darker than before", None, ["-dark"]),
        ("make it darker", None, ["-bright"]),
        # the thing that is meant, not where it is
        ("get the lamp out of the frame", None, ["-lamp"]),
        ("the parrot on her shoulder needs to go", None, ["-parrot"]),
        ("the grass is too green", None, ["-green"]),
        # exchanges and exceptions
        ("replace the lamp with a statue", "statue", ["-lamp", "+statue"]),
        ("it drew a cat instead of a dog", "dog", ["-cat", "+dog"]),
        ("everything except the lamp is fine", None, ["-lamp", "praise"]),
        ("it's perfect except for the lamp", None, ["-lamp", "praise"]),
        # "it" is the picture, or the thing
        ("too dark, but I like it", None, ["-dark", "praise"]),
        ("the hat is gone, great, keep it", "hat", ["success", "praise", "praise"]),
        ("the scarf, bring it back", "scarf", ["+scarf"]),
        # requests in the form of questions, and questions
        ("can we get rid of the lamp?", None, ["-lamp"]),
        ("why is it so dark?", None, ["-dark"]),
        ("is it too dark?", None, ["question"]),
        ("where did the hat go?", "hat", ["question"]),
        # statements of how the picture is
        ("wires cross the whole sky", None, ["-wire"]),
        ("the blood is too much for a party", None, ["-blood"]),
        ("lose the ring, it fights with the dress", None, ["-ring"]),
        ("a microphone? no thanks", None, ["question", "-microphone"]),
        ("he has never worn a watch", None, ["-watch"]),
        ("don't draw her with a cigarette", None, ["-cigarette"]),
        ("the goblin has two tails", None, ["-duplicate"]),
        ("the dog is missing a paw", None, ["-paw"]),
        # asked back
        ("I was silly to remove the lamp", "lamp", ["+lamp"]),
        ("take the rain off the list", "rain", ["+rain"]),
        ("can we have the hat again?", "hat", ["+hat"]),
        # it is liked as it is
        ("that shadow adds drama, nice", None, ["praise", "praise"]),
        ("what a handsome gentleman!", None, ["praise"]),
        # others
        ("reroll", "hat", ["again"]),
        ("do it again but without the lamp", None, ["-lamp", "again"]),
        ("make it pop", "hat", ["unclear"]),
        ("its blury", None, ["-blurry"]),
    ],
)
def test_what_a_sentence_asks_for(text: str, avoid: str | None, meaning: list[str]) -> None:
    assert sorted(told(text, avoid)) == sorted(meaning)


def test_of_a_broken_wheel_the_breakage_is_avoided() -> None:
    assert revise(None, "the wheels look broken").avoid_list.avoids[0].term == "broken wheels"
    assert revise(None, "the ship is distracting").avoid_list.avoids[0].term == "ship"


@pytest.mark.parametrize(
    ("text", "concept", "term"),
    [
        ("lose the two big power lines", "line", "power lines"),
        ("get rid of the yellow filter", "yellow", "yellow filter"),
        ("no seagulls please", "bird", "seagulls"),
        ("the villain is too friendly", "friendly", "friendly villain"),
        ("the outlines are too thick", "outline", "thick outlines"),
        ("her smile seems fake", "artificial", "fake smile"),
        ("the dog has two tails", "duplicate", "two tails"),
    ],
)
def test_a_thing_is_called_what_the_complaint_calls_it(text: str, concept: str, term: str) -> None:
    (change,) = revise(None, text).changes
    assert (change.concept, change.term) == (concept, term)


def test_praise_of_a_part_does_not_let_bad_ones_in() -> None:
    assert revise("bad hands", "the hands look lovely").avoid_list == AvoidList.of("bad hands")


def test_a_locked_term_is_not_let_in_by_praise() -> None:
    locked = Avoid(term="hat", source="p@1", locked=True)
    several = merge([Claim.of(locked, Rank.LOCKED)])[0]
    revision = revise(several, "actually the hat was nice")
    assert revision.avoid_list == several and "locked" in str(revision.changes[0].why_not)


def test_the_answer_says_what_became_of_it() -> None:
    assert answer_of(revise("hat", "lose the lamp, make it pop")) == (
        "lamp: avoid, weight 1",
        "'make it pop' was not understood; it could mean: 'avoid dull colors', 'avoid low contrast', "
        "'avoid blurry'",
    )
    assert answer_of(revise(None, "bring the hat back")) == (
        "nothing changed",
        "hat: nothing changed, 'hat' is not avoided; the prompt is the place for what is wanted",
    )


WORDS = st.text(string.ascii_lowercase + "' ,.?!", max_size=60)


@settings(deadline=None)
@given(WORDS, st.sampled_from(["", "hat, blurry", "lamp, bad hands"]))
def test_what_is_suggested_would_be_understood(text: str, avoid: str) -> None:
    for suggestion in suggestions_for(plain_words(text), [term.term for term in AvoidList.of(avoid).avoids]):
        changes = revise(avoid, suggestion).changes
        assert [change.why_not for change in changes] == [None], suggestion


@settings(deadline=None)
@given(WORDS)
def test_every_text_is_answered(text: str) -> None:
    revision = revise("hat", text)
    assert bool(revision.changes or revision.statements) == bool(text.strip())
    assert bool(answer_of(revision)) and (revision.changed or revision.avoid_list == AvoidList.of("hat"))


def test_every_concept_can_be_avoided_and_allowed_by_its_term() -> None:
    for concept in known_concepts():
        (change,) = revise(None, f"avoid {concept.term}").changes
        assert (change.direction, change.why_not) == ("avoid", None), concept
        assert revise(concept.term, f"bring back {concept.term}").avoid_list.avoids == (), concept


THINGS = ("hat", "scarf", "lamp", "smoke", "balloon")
AGAINST = (
    "lose the {}",
    "there is still a {}",
    "too much {}",
    "I never asked for a {}",
    "the {} has to go",
    "could you take out the {}?",
)
FOR = ("bring the {} back", "actually the {} was nice", "stop hiding the {}", "I miss the {}")
NEITHER = (
    "great, keep it",
    "why is there a {}?",
    "the {} is gone, thanks",
    "make it pop",
    "hmm",
    "try again",
    "is that a {}?",
    "a bit less blurry",
    "",
)
SAID = st.one_of(
    *(
        st.tuples(st.just(sign), st.sampled_from(forms), st.sampled_from(THINGS))
        for sign, forms in ((-1, AGAINST), (1, FOR), (0, NEITHER))
    )
)


@settings(deadline=None, max_examples=60)
@given(st.lists(SAID, max_size=8))
def test_what_was_complained_of_stays_away_until_it_is_taken_back(
    sentences: list[tuple[int, str, str]],
) -> None:
    history, expected = History.of("text"), {"text"}
    for sign, form, thing in sentences:
        history = history.after(form.format(thing))
        expected |= {thing} if sign < 0 else set()
        expected -= {thing} if sign > 0 else set()
        expected |= {"blurry"} if "blurry" in form else set()
        avoided = history.avoid_list.avoids
        assert {avoid.term for avoid in avoided} == expected, history.complaints
        assert all(avoid.check == "retry" for avoid in avoided if avoid.source == "feedback")


@settings(deadline=None, max_examples=40)
@given(SAID)
def test_the_same_words_on_the_same_list_do_the_same(sentence: tuple[int, str, str]) -> None:
    _, form, thing = sentence
    first, second = (revise("text, hat, scarf", form.format(thing)) for _ in range(2))
    assert first == second
    if sentence[0] > 0:  # what is let in is let in once
        again = revise(first.avoid_list, form.format(thing))
        assert again.avoid_list == first.avoid_list


def test_undoing_keeps_the_statements() -> None:
    revision = revise(None, "lose the hat, make it pop")
    assert revision.undo(revision.changes[0]).statements == revision.statements
    assert phrase(revision.statements[0].clause) == ("make", "it", "pop")
