"""Reads one clause of a complaint beside what the clauses before it have left."""

import re
from collections.abc import Sequence
from typing import NamedTuple, final

from negspace.avoid.merging import AvoidList
from negspace.feedback import cues
from negspace.feedback.clauses import Clause
from negspace.feedback.forms import is_question, may_complain
from negspace.feedback.lexicon import Concept, NamedConcept, Opinion, Polarity, entry_of, named_in, opposites, words_of
from negspace.feedback.nouns import is_body
from negspace.feedback.senses import counted, decided, is_too_much, wants_another
from negspace.feedback.stance import Stance, has_verb, is_request, stance_of
from negspace.feedback.statements import Statement, StatementKind
from negspace.feedback.suggestions import corrected, suggestions_for
from negspace.feedback.tags import is_english
from negspace.feedback.targets import Target, bare_noun, is_measure, subject_of, is_general, targets_of, unknown

_WISHES = re.compile(
    r"^(?!you|it makes|this)(?:.*\b(?:should|must|supposed to|has to be|needs to be)\b"
    r"|(?:please )?(?:make|turn) (?:it|him|her|them|the)\b)"
)


_ASKS = re.compile(
    r"\b(?:\w+er|more|less|higher|fewer)\b|^(?:simplify|brighten|lighten|darken|zoom|straighten|desaturate|cover|put|"
    r"turn|crank|sharpen|clean up|declutter|focus|soften|full body|let|should)\b"
)


_ABOUT_US = re.compile(
    r"^(?:would it|(?:can|could|may|will|would|do) (?:i|we|it) (?:use|post|print|sell|share|download|save|upload|(?:have|get|see) (?:this|it|that) (?:in|as|for|on)\b)"
    r"|can you (?:also )?(?:do|make|draw|handle|create|generate|export|save|read|remember|see) (?!it\b|them\b|this\b|that\b|the\b|her\b|him\b|his\b|sure\b|my\b).*)"
)
_INVERTED = re.compile(r"^(?:is|are|was|were|does|did|has|have) (?!not\b|it\b|this\b|there\b|that\b)")


class ClauseContext(NamedTuple):
    """What the clauses before have left.

    Attributes:
        sign: of the last clause with a stance.
        about: what it was about; "it" and "them" mean this.
        waiting: bare nouns that wait for the stance of the next clause.
        asked: whether it was a request, whose objects may go on in the next clause.
        asked_of: what a question was about: "a microphone? no thanks".
    """

    sign: int = 0
    about: tuple[Target, ...] = ()
    waiting: tuple[Target, ...] = ()
    asked: bool = False
    asked_of: tuple[Target, ...] = ()


class ClauseReading(NamedTuple):
    """What a clause says, and what it leaves to the next.

    Attributes:
        opinions: on concepts.
        statement: what it says otherwise.
        context: for the next clause.
        weak: whether it only says how things are, so that praise beside it shows that they are liked.
    """

    opinions: tuple[Opinion, ...] = ()
    statement: Statement | None = None
    context: ClauseContext = ClauseContext()
    weak: bool = False


@final
class ClauseReader:
    """Reads clauses beside a list of what is avoided."""

    def __init__(self, avoid_list: AvoidList) -> None:
        self._avoid_list = avoid_list
        self._terms = tuple(avoid.term for avoid in avoid_list.avoids)

    def unclear(self, text: str, plain: str) -> Statement:
        """A clause that was not understood."""
        return Statement("unclear", text, suggestions_for(plain, self._terms))

    def left(self, clause: Clause, context: ClauseContext) -> ClauseReading:
        """What is named at the end of a complaint of which nothing else was understood: "six toes on one foot"."""
        if not all(is_english(target.concept.term.split()[-1]) for target in context.waiting):
            return ClauseReading()
        parts = all(target.kind == "part" for target in context.waiting)
        if self._is_any_avoided(context.waiting) or (len(clause.plain.split()) < 3 and not parts):
            return ClauseReading()
        return self._against(clause, context.waiting)

    def read(self, clause: Clause, before: ClauseContext) -> ClauseReading:
        """One clause; `before` is what those before it have left."""
        plain = " ".join(corrected(word) or word for word in clause.plain.split())
        aside = cues.find("aside", plain)
        if aside and aside.start() == 0:
            return ClauseReading(context=before)
        if _REFUSES.fullmatch(clause.plain) and (before.waiting or before.asked_of or before.sign < 0):
            refused = before.waiting or before.asked_of
            return self._against(clause, refused) if refused else ClauseReading(context=before)
        core = cues.without_fillers(plain)
        if core.startswith(("something is", "something feels", "something looks")):
            return ClauseReading((), self.unclear(clause.text, core), before)
        if _exclaims(core, clause) and not cues.find("bad", core):
            return ClauseReading((), Statement("praise", clause.text), ClauseContext(1))
        named = [decided(word, core) for word in named_in(core, self._terms)]
        if core in ("", "no", "not"):
            kind: StatementKind | None = "praise" if cues.find("good", plain) else None
            return ClauseReading((), Statement(kind, clause.text) if kind else None, before)
        clause = clause._replace(plain=core)
        if not named and wants_another(core) and (is_request(core) or not is_question(core)):
            return ClauseReading((), Statement("again", clause.text), before)
        reading = self._read(clause, named, before)
        if stance_of(core).manner == "request":
            reading = reading._replace(context=reading.context._replace(asked=True))
        if is_question(core) or clause.asks:
            return self._unless_question(clause, named, before, reading)
        return reading

    def _unless_question(
        self, clause: Clause, named: Sequence[NamedConcept], before: ClauseContext, reading: ClauseReading
    ) -> ClauseReading:
        """The reading of a clause in the form of a question, unless it is no more than that."""
        core, stance = clause.plain, _stance(clause.plain, named)
        targets = tuple(targets_of(core, stance, named) or bare_noun(core, named))
        question = ClauseReading((), self._question(clause), ClauseContext(0, targets, asked_of=targets))
        if clause.asks and _INVERTED.match(core):
            return question
        if core.startswith("why ") and not clause.asks and not reading.opinions:
            return self._read(clause._replace(plain=core.removeprefix("why ")), named, before)
        if not is_question(core):
            bare = stance.manner == "absence" or (stance.cue is not None and stance.cue.name == "negation")
            return question if bare or not reading.opinions else reading
        if re.match(
            r"(?:can|could|would|will|may|is it possible|is there a|how (?:do|can) (?:i|we)|do you mind)\b",
            core,
        ):
            wants = stance.manner == "request" or any(
                target.kind in ("wanted", "fault") for target in targets
            )
            polite = not _ABOUT_US.match(core) and is_request(core)
            if polite and not reading.opinions and cues.find_verb("fix", "base", core):
                return reading
            return reading if reading.opinions and wants and polite else question
        if not may_complain(core) or not reading.opinions:
            return question
        kinds = {target.kind for target in targets}
        judged = stance.cue is not None and stance.cue.name not in ("exist", "still", "negation")
        if clause.asks and stance.cue is not None and stance.cue.name == "alter":
            return question
        sure = kinds <= {"fault", "part", "wanted"} or (judged and not core.startswith("what happened"))
        return reading if sure or not clause.asks else question

    def _question(self, clause: Clause) -> Statement:
        return Statement("question", clause.text, suggestions_for(clause.plain, self._terms))

    def _read(self, clause: Clause, named: Sequence[NamedConcept], before: ClauseContext) -> ClauseReading:
        core = clause.plain
        stance = _stance(core, named)
        targets = counted(core, stance, tuple(targets_of(core, stance, named)))
        if _is_remark(clause, stance, targets, before):
            return ClauseReading(context=before)
        if stance.manner == "wish" and not any(target.kind == "wanted" for target in targets):
            if before.about and re.search(r"\b(?:it|them|those|that)\b", core) and not targets:
                return self._for(clause, before.about, praise=False)
            return ClauseReading((), Statement("wish", clause.text), before)
        if (
            before.about
            and targets
            and is_general(targets)
            and re.match(r"(?:it |they |also )?(?:look|is|are)", core)
        ):
            targets = before.about
        if not targets and stance.manner == "nothing" and not has_verb(core):
            targets = tuple(bare_noun(core, named))
        if not targets:
            return self._without_target(clause, stance, before)
        if stance.sign == 0 and {target.kind for target in targets} == {"part"} and _has_fault(named):
            return self._against(clause, targets)
        if stance.sign == 0:
            return self._without_stance(clause, targets, named, before)
        return self._with_both(clause, stance, targets, before)

    def _without_target(self, clause: Clause, stance: Stance, before: ClauseContext) -> ClauseReading:
        core = clause.plain
        if re.match(r"(?:please |just )?make (?:it|this|that) (?:\w+er|more \w+|better|pop)$", core):
            return ClauseReading((), self.unclear(clause.text, core), before)
        if excessive := re.search(r"\btoo (?!good\b|nice\b|kind\b|much\b|many\b|bad\b)(?P<what>\w+(?<!ly))$", core):
            about = before.about if is_measure(excessive["what"]) else ()
            return self._against(clause, about or tuple(unknown([excessive["what"]])))
        points = re.search(r"\b(?:it|them|that|those|these|him|her|this|they)\b", core)
        if stance.sign and points and before.about and self._may_point(core, stance, before):
            return self._with_both(clause, stance, before.about, before)
        if (
            stance.sign > 0
            and stance.manner in ("judgement", "permission", "request")
            and _is_praise(core, stance)
        ):
            kind: StatementKind = (
                "success" if _is_done(clause, core) and not cues.find("good", core) else "praise"
            )
            return ClauseReading((), Statement(kind, clause.text), ClauseContext(1))
        if (
            cues.find("good", core)
            and not cues.find("bad", core)
            and not is_request(core)
            and " be " not in core
        ):
            return ClauseReading((), Statement("praise", clause.text), ClauseContext(1))
        surely = stance.cue is not None and (stance.cue.name != "negation" or _is_done(clause, core))
        if stance.manner == "absence" and surely and not re.match(r"(?:i|we)\b", core):
            return ClauseReading((), Statement("success", clause.text), before._replace(sign=0))
        if cues.find("again", core) and not cues.find("negation", core):
            return ClauseReading((), Statement("again", clause.text), before)
        follows = clause.place and not clause.joined and not clause.turned
        subject = () if is_request(core) or follows else tuple(subject_of(core))
        if subject and not self._is_any_avoided(subject):
            return self._against(clause, subject)
        return ClauseReading((), self.unclear(clause.text, core), before)

    def _may_point(self, core: str, stance: Stance, before: ClauseContext) -> bool:
        """Whether "it" can mean what was spoken of, rather than the picture."""
        if _PICTURE.search(core):
            return False
        if stance.manner == "request" and not re.match(r"(?:just )?keep (?:it|this|that)\b", core):
            return True
        return (
            before.sign > 0
            or bool(before.waiting)
            or re.search(r"\b(?:those|them|these|they)\b", core) is not None
        )

    def _without_stance(
        self,
        clause: Clause,
        targets: tuple[Target, ...],
        named: Sequence[NamedConcept],
        before: ClauseContext,
    ) -> ClauseReading:
        """A clause that names something and says nothing about it."""
        core = clause.plain
        kinds = {target.kind for target in targets}
        if "wanted" in kinds:
            if not is_request(core) and (has_verb(core) or cues.find("done", core) or not _ASKS.search(core)):
                return ClauseReading((), Statement("success", clause.text), before)
            return self._against(clause, targets, by_degree=True)
        bare = not has_verb(core)
        if bare and cues.find("done", clause.sentence) and all(self._is_known(target.concept) for target in targets):
            return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
        goes_on = clause.joined or clause.turned or before.asked
        if bare and before.sign and goes_on and ("part" not in kinds or clause.turned):
            sign = 1 if (before.sign > 0) is not clause.turned else -1
            return self._with_both(clause, Stance(sign, "request"), targets, before)
        if kinds == {"thing"} and not bare and not is_request(core) and not self._is_any_avoided(targets):
            return self._against(clause, targets)
        if kinds == {"part"} and re.search(
            r"\b(?:is|are|look|looks|has|have|\w{3,}ing)\b|\w \w+ into ", core
        ):
            return self._against(clause, targets)  # what is said of a hand is no praise
        if "fault" in kinds and _WISHES.search(core):
            return self._for(clause, targets, praise=False)
        if "fault" in kinds:
            done = _is_done(clause, core) and not cues.find("still", core) and not is_request(core)
            if done and all(self._is_avoided(target.concept) for target in targets):
                return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
            return self._against(clause, targets)
        waiting = (*before.waiting, *targets)
        statement = None if bare else self.unclear(clause.text, core)
        return ClauseReading((), statement, ClauseContext(before.sign, targets, waiting if bare else ()))

    def _with_both(
        self, clause: Clause, stance: Stance, targets: tuple[Target, ...], before: ClauseContext
    ) -> ClauseReading:
        every = (*before.waiting, *targets) if clause.joined else targets
        kinds = {target.kind for target in targets}
        if kinds == {"wanted"}:
            return self._about_lacking(clause, stance, targets)
        if stance.sign < 0:
            if self._is_success(clause, stance, targets):
                return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
            if stance.manner == "absence" and kinds == {"part"} and stance.cue and stance.cue.name == "gone" and "missing" not in clause.plain:
                return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
            if stance.manner == "absence" and (lack := _lack(clause.plain, targets)):
                return self._against(clause, lack)
            if stance.manner == "absence" and kinds != {"part"}:
                return ClauseReading((), Statement("wish", clause.text), ClauseContext(0, every))
            return self._against(clause, every)
        if stance.manner == "judgement" or (
            stance.manner == "permission" and not kinds <= {"fault", "thing"}
        ):
            return self._praised(clause, every, kinds)
        return self._for(clause, every, praise=False)

    def _is_success(self, clause: Clause, stance: Stance, targets: Sequence[Target]) -> bool:
        """Whether a clause reports that what was avoided is gone."""
        core = clause.plain
        avoided = all(self._is_avoided(target.concept) for target in targets)
        if stance.manner == "presence" and re.search(r"\b(?:now|finally|this time)\b", core):
            still = cues.find("still", core) or cues.find("bad", core) or " too " in core
            return not still and all(self._is_known(target.concept) for target in targets)
        if stance.manner == "absence":
            return avoided or all(target.kind == "fault" for target in targets)
        cue = stance.cue
        lessens = cue is not None and (
            cue.name == "negation" or core[cue.start : cue.stop] in ("less", "fewer")
        )
        lessens = lessens or (cue is not None and core[cue.start : cue.stop] in ("off", "out"))
        return avoided and lessens and _is_done(clause, core) and not is_request(core)

    def _about_lacking(self, clause: Clause, stance: Stance, targets: tuple[Target, ...]) -> ClauseReading:
        """To want it sharper is to be against what is blurry; to find it sharper is to be content."""
        much = stance.cue is not None and stance.cue.name == "excess" and "too " not in clause.plain
        better = stance.manner == "presence" or much or (stance.sign > 0 and stance.manner == "judgement")
        if better and not is_request(clause.plain):
            kind: StatementKind = "success" if _is_done(clause, clause.plain) else "praise"
            return ClauseReading((), Statement(kind, clause.text), ClauseContext(0, targets))
        if not is_too_much(clause.plain, stance):
            return self._against(clause, targets, by_degree=True)
        other = opposites().get(targets[0].concept.name)
        if other is None:
            return ClauseReading((), self.unclear(clause.text, clause.plain), ClauseContext())
        return self._against(clause, (Target(other, "fault"),), by_degree=True)

    def _praised(self, clause: Clause, targets: tuple[Target, ...], kinds: set[str]) -> ClauseReading:
        done = cues.find("done", clause.plain)
        content = _CAME_OUT.search(clause.plain) is not None or (
            done is not None and not cues.find("good", done[0]) and not cues.find_verb("like", "base", clause.plain)
        )
        opinions: tuple[Opinion, ...] = ()
        if not content and not kinds & {"part", "wanted"}:
            opinions = self._opinions(clause, targets, "for", praise=True)
        if kinds == {"fault"} and re.search(r"\b(?:better|improved|nicer|weaker|fainter)\b", clause.plain):
            content, opinions = True, ()
        known = any(self._is_known(target.concept) for target in targets)
        kind: StatementKind = "success" if content and known else "praise"
        return ClauseReading(opinions, Statement(kind, clause.text), ClauseContext(1, targets))

    def _for(self, clause: Clause, targets: tuple[Target, ...], *, praise: bool) -> ClauseReading:
        # to want a hand is not to want a bad one
        wanted = tuple(_as_thing(target) for target in targets)
        return ClauseReading(
            self._opinions(clause, wanted, "for", praise=praise), None, ClauseContext(1, wanted)
        )

    def _against(
        self, clause: Clause, targets: tuple[Target, ...], *, by_degree: bool = False
    ) -> ClauseReading:
        opinions = self._opinions(clause, targets, "against", by_degree=by_degree)
        return ClauseReading(opinions, None, ClauseContext(-1, targets), _is_weak(clause, targets))

    def _opinions(
        self,
        clause: Clause,
        targets: Sequence[Target],
        polarity: Polarity,
        *,
        by_degree: bool = False,
        praise: bool = False,
    ) -> tuple[Opinion, ...]:
        by_degree = by_degree or cues.find("degree", clause.plain) is not None
        strength = _strength(clause)
        return tuple(
            Opinion(target.concept, polarity, strength, by_degree, clause.text, praise=praise)
            for target in dict.fromkeys(targets)
        )

    def _is_known(self, concept: Concept) -> bool:
        """Whether something of a concept is avoided, by whatever name."""
        entries = (words_of(avoid.term) for avoid in self._avoid_list.avoids)
        return self._is_avoided(concept) or any(
            word.concept.name == concept.name for words in entries for word in words
        )

    def _is_any_avoided(self, targets: Sequence[Target]) -> bool:
        return any(self._is_avoided(target.concept) for target in targets)

    def _is_avoided(self, concept: Concept) -> bool:
        return entry_of(concept, self._avoid_list) is not None


def _stance(core: str, named: Sequence[NamedConcept]) -> Stance:
    faults = tuple(
        (word.start, word.stop)
        for word in named
        if word.of_kind("fault") or word.of_kind("wanted") or " " in core[word.start : word.stop]
    )
    return stance_of(core, faults)


_PICTURE = re.compile(
    r"\b(?:want|need|like|make|prefer|get|have) it (?!back\b|again\b|there\b|in\b|to stay|too\b|after all|please|gone|out|off|removed|away)\w"
)
_REFUSES = re.compile(
    r"(?:no|no thanks|no thank you|no way|not so much|hard pass|nope|no please|yuck|ew|ugh|why|not for me|not please|"
    r"please no|please not|not great|not good|not okay|terrible|awful|horrible|bad)"
)
_COMPARES = re.compile(r"^(?:(?:it|this|that|they|he|she) )?(?:is |are |looks? |looking )?(?:a bit |just |more )?like\b|^as (?:if|though)\b")
_CANNOT_SEE = re.compile(r"^(?:(?:i|we|you|one) )?(?:can|could) (?:hardly|barely|not|not even) (?:see|make out|read|tell|recognize|find)\b")
_CAME_OUT = re.compile(r"\b(?:now|this time|at last|finally|came out|turned out|looks? (?:so )?real)\b")
_SPEAKER = re.compile(r"^(?:i|we|my \w+|our \w+) (?!see\b|can\b|got\b|notice\b|count\b|spot\b|miss\b|love\b|like\b)")
_NAMES_FIRST = re.compile(r"^(?:the|a|an|this|that|these|those|there|here|his|her|their|its|also|and|still|why|too|so|no|some|all|every|another)\b")


def _is_remark(clause: Clause, stance: Stance, targets: Sequence[Target], before: ClauseContext) -> bool:
    """Whether a clause only explains the one before: "lose the ring, it fights with the dress"."""
    core = clause.plain
    if clause.place and _COMPARES.match(core) and not {target.kind for target in targets} & {"fault", "wanted"}:
        return True
    follows = bool(before.sign or before.about) and clause.place > 0 and not clause.turned
    if not follows or stance.manner == "request":
        return False
    if _SPEAKER.match(core) and stance.manner != "judgement" and not cues.find("see", core):
        return True
    if clause.joined:
        return False
    if _CANNOT_SEE.match(core):
        return True
    if core.startswith(("i am ", "i was ", "we are ")):
        return True
    kinds = {target.kind for target in targets}
    if not kinds or kinds & {"fault", "wanted"} or (before.sign > 0 and stance.manner == "judgement"):
        return False
    return _COMPARES.match(core) is not None or not _NAMES_FIRST.match(core)


_LACKS = re.compile(
    r"^(?!it\b|this\b|i\b|we\b|there\b|the (?:picture|image|photo|scene)).*\b(?:(?:has|have|got) no|is missing|are missing|missing) "
    r"(?:(?:a|an|one|its|his|her|their|the|two|some|any) )?(?:left |right |front |back |other |upper |lower )?(?P<lack>\w+)|"
    r"\b(?:has|have|with|got) (?:a|an|one|no|two|his|her) (?P<without>\w+) missing\b|"
    r"(?P<end>\w+) (?:of (?:the|his|her) \w+ (?:is|are) missing\b|(?:is|are) missing (?:from|on) )"
)


def _lack(core: str, targets: Sequence[Target]) -> tuple[Target, ...]:
    """What somebody lacks that everybody has: of a dog without a paw, the missing paw is avoided."""
    match = _LACKS.search(core)
    lack = next(filter(None, match.groups()), None) if match else None
    if lack is None or not (is_body(lack) or match["end"]):
        return ()
    return tuple(target._replace(concept=Concept(lack, f"missing {lack}")) for target in targets[:1])


def _exclaims(core: str, clause: Clause) -> bool:
    """Whether it is one of those: "what a face", "what lovely colors"."""
    if re.match(r"what an? ", core):
        return True
    good = cues.find("good", core)
    return not clause.asks and core.startswith("what ") and good is not None and good.start() == len("what ")


def _is_weak(clause: Clause, targets: Sequence[Target]) -> bool:
    core = clause.plain
    if clause.turned or clause.joined or re.search(r"\b(?:too|why|still|there (?:is|are))\b", core) or is_request(core):
        return False
    known = any(target.kind != "unknown" for target in targets)
    if known and not re.search(r"\b(?:so|very|really|insanely)\b", core):
        return False
    strong = ("negation", "bad", "reject", "offend", "remove", "fix", "alter")
    return not any(cues.find(name, core) or cues.find_verb_of(name, core) for name in strong)


def _has_fault(named: Sequence[NamedConcept]) -> bool:
    return any(word.of_kind("fault") for word in named)


def _is_praise(core: str, stance: Stance) -> bool:
    return stance.manner != "request" or re.match(r"(?:just )?(?:keep|leave|love|like)\b", core) is not None


def _is_done(clause: Clause, core: str) -> bool:
    """Whether a clause speaks of what has come about."""
    return cues.find("done", core) is not None or cues.find("done", clause.sentence) is not None


def _as_thing(target: Target) -> Target:
    if target.kind not in ("part", "wanted"):
        return target
    return unknown(target.concept.name.split())[0]


def _strength(clause: Clause) -> float:
    if cues.find("slight", clause.plain):
        return 0.75
    return 1.3 if clause.loud or cues.find("strong", clause.plain) else 1.0
