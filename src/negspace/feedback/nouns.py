"""The things that a clause names: runs of open words between the small words of English, with their place."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from negspace.avoid.matching import key_of

_ARTICLES = frozenset(
    "the a an any some his her its their my your our that those these this all both each every another other such "
    "more less fewer many much few several no two three four five six seven one same only own enough".split()
)
_PREPOSITIONS = frozenset(
    "on in at from off over under behind near beside across around into onto with without by for to about above "
    "below along through between against inside outside within upon up down out away beyond before after during "
    "since until as like than next towards among".split()
)
_SMALL = frozenset(
    "i you he she it we they me him them us who whom what which where when why how there here everything something "
    "anything nothing everybody somebody nobody someone anyone none mine yours hers ours theirs himself itself "
    "is are was were be been being am do does did done have has had having can could will would shall should may "
    "might must ought look looks looked looking seem seems seemed appear feel feels felt sound sounds get gets got "
    "come comes came go goes went gone going turn turns turned become becomes became put let lets make makes made "
    "want wants need needs try know think thought see say says said ask asked tell mean happen happened happens keep "
    "keeps kept supposed stand standing sit sitting hold holding wear wearing cover covers covering say "
    "and or but if so then because while though that not never too very just only even ever also still again yet "
    "now today always often already almost quite rather maybe perhaps please back instead else well much more most "
    "less least bit way of off s t re somehow somewhat sometimes somewhere tho lol together apart anymore fully totally "
    "further otherwise yourself soon later last alone stay remain read everywhere once twice whatsoever".split()
)
_GENERIC = frozenset(
    "thing stuff lot bit way kind sort pair couple bunch piece load ton version picture image photo photograph pic "
    "shot render result output scene one rest part half top bottom side left right middle whole place time round "
    "turn look style effect feel feeling vibe filter tone tint cast amount number level hint touch all issue problem "
    "thanks thank sorry okay yes ugh hmm hey wow anyway fan someone everyone everybody nobody anyone body something "
    "anything everything nothing it this that favor please edge corner frame view generation attempt try sense oomph "
    "pop pizzazz wow magic soul energy life vibe mood spirit color idea mind difference day step seed prompt "
    "negative model detail area spot end front row copy set series rid extent degree notch version change composition framing layout balance lighting angle palette atmosphere theme concept design quality".split()
)
"""Nouns that name nothing by themselves: "a lot of noise", "the version with the scarf"."""

_NOUNS_IN_ING = frozenset(
    "lighting painting building ceiling ring wing string railing clothing king earring wedding evening morning "
    "writing drawing lettering swing spring framing wiring bling awning".split()
)
_MOST_WORDS = 3


class Noun(NamedTuple):
    """A thing that a clause names.

    Attributes:
        words: without articles and judgements.
        start, stop: first and one-past-last character.
        preposition: the small word that it hangs on; "" for a subject or an object.
        viewer: whether it is the speaker's or the listener's own: "my eyes".
    """

    words: tuple[str, ...]
    start: int
    stop: int
    preposition: str
    viewer: bool

    @property
    def is_generic(self) -> bool:
        """Whether it names nothing by itself."""
        return key_of(self.words[-1]) in _GENERIC

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(self.words)

    def touches(self, start: int, stop: int) -> bool:
        """Whether it shares a character with a span."""
        return start < self.stop and self.start < stop


def nouns_of(plain: str, hidden: Iterable[tuple[int, int]]) -> Sequence[Noun]:
    """The things that a clause names, in order.

    Args:
        plain: the clause.
        hidden: spans of words that are no nouns here, because they say how the speaker stands.
    """
    spans = list(hidden)
    nouns: list[Noun] = []
    run: list[re.Match[str]] = []
    preposition, viewer = "", False

    def close() -> None:
        nonlocal run, preposition, viewer
        if run:
            kept = run[-_MOST_WORDS:]
            words = tuple(match[0].removesuffix("'s") for match in kept)
            nouns.append(Noun(words, kept[0].start(), kept[-1].end(), preposition, viewer))
            run, preposition, viewer = [], "", False

    for match in re.finditer(r"\S+", plain):
        word = match[0]
        if word in _ARTICLES:
            close()
            viewer = word in ("my", "your", "our")
        elif word in _PREPOSITIONS or word == "of":
            close()
            preposition = word
        elif any(start < match.end() and match.start() < stop for start, stop in spans):
            close()
        elif word in _SMALL or (word.endswith("ly") and len(word) > 4) or not word[0].isalpha():
            close()
            preposition = ""
        else:
            if run and word.endswith("ing") and word not in _NOUNS_IN_ING:
                close()
                continue
            run.append(match)
    close()
    return nouns
