"""What people would write under a scene: some of it, in their own words."""

from __future__ import annotations

from random import Random

from training.world import table
from training.world.scene import Scene

PLACE_FORMS = {
    "meadow": ("on a {}", "in a {}"),
    "beach": ("at the {}", "on the {}"),
    "city": ("in the {}", "in a {}"),
    "mountains": ("in the {}", "in front of the {}"),
}
_WITH = ("with {a}", "and {a}")


def caption(scene: Scene, rng: Random, blunt: float = 0.08) -> str:
    """One caption: a sentence with tags, or tags only. Seeded by `rng`; may be one word long.

    `blunt` is the share of captions that do not name the subject; what they do say, they say more often, and
    often nothing but what is wrong with the picture.
    """
    tell_all = rng.random() < blunt
    mentioned = _mentioned(scene, rng, tell_all)
    if tell_all:
        mentioned.discard(scene.subject)
        if rng.random() < 0.5:
            mentioned -= {scene.colour, scene.place, "night", "snow"}
    words = {name: rng.choice(table.named(name).words) for name in sorted(mentioned)}
    if scene.subject == "hand" and scene.subject in mentioned and rng.random() < 0.4:
        words["fingers"] = f"{table.COUNT_WORDS[scene.fingers]} fingers"
    extra = []
    if not scene.defects and rng.random() < 0.06:
        extra.append(rng.choice(table.QUALITY_WORDS))
    if not scene.night and rng.random() < 0.12:
        extra.append(rng.choice(("day", "daylight")))
    if scene.subject in mentioned and rng.random() < 0.5:
        return _sentence(scene, words, extra, rng)
    return _tags(scene, words, extra, rng)


def _mentioned(scene: Scene, rng: Random, tell_all: bool) -> set[str]:
    mentioned = set()
    for concept in table.TABLE:
        if scene.has(concept.name):
            share = concept.caption_share
            if tell_all and concept.kind in ("accessory", "style", "defect"):
                share = 0.8
            if rng.random() < share:
                mentioned.add(concept.name)
    return mentioned


def _with_article(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def _sentence(scene: Scene, words: dict[str, str], extra: list[str], rng: Random) -> str:
    noun = " ".join(words.pop(n) for n in (scene.colour, scene.subject) if n in words)
    text = _with_article(noun) if rng.random() < 0.8 else noun
    if "fingers" in words:
        text += " with " + words.pop("fingers")
    if scene.accessory in words:
        text += " " + rng.choice(_WITH).format(a=_with_article(words.pop(scene.accessory)))
    if scene.place in words:
        text += " " + rng.choice(PLACE_FORMS[scene.place]).format(words.pop(scene.place))
    if "night" in words and rng.random() < 0.6:
        text += " " + rng.choice(("at {}", "by {}")).format(words.pop("night"))
    if "snow" in words and rng.random() < 0.6:
        text += " " + rng.choice(("in {}", "in the {}", "with {}")).format(words.pop("snow"))
    if scene.style in words and rng.random() < 0.5:
        text = f"{_with_article(words.pop(scene.style))} of {text}"
    rest = [*words.values(), *extra]
    rng.shuffle(rest)
    return ", ".join([text, *rest])


def _tags(scene: Scene, words: dict[str, str], extra: list[str], rng: Random) -> str:
    tags = []
    if scene.subject in words:
        noun = words.pop(scene.subject)
        if scene.colour in words:
            noun = f"{words.pop(scene.colour)} {noun}"
        tags.append(_with_article(noun) if rng.random() < 0.4 else noun)
    rest = [*words.values(), *extra]
    rng.shuffle(rest)
    tags += rest
    if rng.random() < 0.2:
        rng.shuffle(tags)
    return ", ".join(tags)
