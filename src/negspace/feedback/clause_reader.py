"""Reads one clause of a complaint beside what the clauses before it have left."""

import re
from collections.abc import Sequence
from typing import final

from negspace.avoid.merging import AvoidList
from negspace.feedback import cues
from negspace.feedback.avoided import Avoided
from negspace.feedback.clauses import Clause
from negspace.feedback.context import ClauseContext, ClauseReading
from negspace.feedback.forms import is_question
from negspace.feedback.lexicon import (
    NamedConcept,
    Opinion,
    named_in,
    opposites,
)
from negspace.feedback.opinions import as_thing, opinions_of
from negspace.feedback.questions import asks_only
from negspace.feedback.remarks import REFUSES, exclaims, is_remark, is_weak, lack_of
from negspace.feedback.senses import counted, decided, is_too_much, stance_beside, wants_another
from negspace.feedback.stance import Stance, has_verb, is_request, stance_of
from negspace.feedback.statements import Statement, StatementKind
from negspace.feedback.suggestions import corrected, suggestions_for
from negspace.feedback.tags import is_english
from negspace.feedback.targets import (
    Target,
    bare_noun,
    is_general,
    is_measure,
    subject_of,
    targets_of,
    unknown,
)

_WISHES = re.compile(
    r"^(?!you|it makes|this)(?:.*\b(?:should|must|supposed to|has to be|needs to be)\b"
    r"|(?:please )?(?:make|turn) (?:it|him|her|them|the)\b)"
)


_ASKS = re.compile(
    r"\b(?:\w+er|more|less|higher|fewer)\b|^(?:simplify|brighten|lighten|darken|zoom|straighten|"
    r"desaturate|cover|put|"
    r"turn|crank|sharpen|clean up|declutter|focus|soften|full body|let|should)\b"
)


_PICTURE = re.compile(
    r"\b(?:want|need|like|make|prefer|get|have) it (?!back\b|again\b|there\b|in\b|to stay|too\b|"
    r"after all|please|gone|out|off|removed|away)\w"
)
_CAME_OUT = re.compile(r"\b(?:now|this time|at last|finally|came out|turned out|looks? (?:so )?real)\b")


@final
class ClauseReader:
    """Reads clauses beside a list of what is avoided."""

    def __init__(self, avoid_list: AvoidList) -> None:
        self._avoided = Avoided(avoid_list)

    def unclear(self, text: str, plain: str) -> Statement:
        """A clause that was not understood."""
        return Statement("unclear", text, suggestions_for(plain, self._avoided.terms))

    def left(self, clause: Clause, context: ClauseContext) -> ClauseReading:
        """What is named last where nothing else was understood: "six toes on one foot"."""
        if not all(is_english(target.concept.term.split()[-1]) for target in context.waiting):
            return ClauseReading()
        parts = all(target.kind == "part" for target in context.waiting)
        if self._avoided.has_any(context.waiting) or (len(clause.plain.split()) < 3 and not parts):
            return ClauseReading()
        return self._against(clause, context.waiting)

    def read(self, clause: Clause, before: ClauseContext) -> ClauseReading:
        """One clause; `before` is what those before it have left."""
        plain = " ".join(corrected(word) or word for word in clause.plain.split())
        aside = cues.find("aside", plain)
        if aside and aside.start() == 0:
            return ClauseReading(context=before)
        if REFUSES.fullmatch(clause.plain) and (before.waiting or before.asked_of or before.sign < 0):
            refused = before.waiting or before.asked_of
            return self._against(clause, refused) if refused else ClauseReading(context=before)
        core = cues.without_fillers(plain)
        if core.startswith(("something is", "something feels", "something looks")):
            return ClauseReading((), self.unclear(clause.text, core), before)
        if exclaims(core, clause) and not cues.find("bad", core):
            return ClauseReading((), Statement("praise", clause.text), ClauseContext(1))
        named = [decided(word, core) for word in named_in(core, self._avoided.terms)]
        if core in ("", "no", "not"):
            kind: StatementKind | None = "praise" if cues.find("good", plain) else None
            return ClauseReading((), Statement(kind, clause.text) if kind else None, before)
        clause = clause._replace(plain=core)
        if not named and wants_another(core) and (is_request(core) or not is_question(core)):
            return ClauseReading((), Statement("again", clause.text), before)
        reading = self._read(clause, named, before)
        if stance_of(core).manner == "request":
            reading = reading._replace(context=reading.context._replace(requested=True))
        if is_question(core) or clause.asks:
            return self._unless_question(clause, named, before, reading)
        return reading

    def _unless_question(
        self, clause: Clause, named: Sequence[NamedConcept], before: ClauseContext, reading: ClauseReading
    ) -> ClauseReading:
        """The reading of a clause in the form of a question, unless it is no more than that."""
        core = clause.plain
        stance = stance_beside(core, named)
        targets = tuple(targets_of(core, stance, named) or bare_noun(core, named))
        if core.startswith("why ") and not clause.asks and not reading.opinions:
            return self._read(clause._replace(plain=core.removeprefix("why ")), named, before)
        if not asks_only(clause, stance, targets, speaks=bool(reading.opinions)):
            return reading
        return ClauseReading((), self._question(clause), ClauseContext(0, targets, asked_of=targets))

    def _question(self, clause: Clause) -> Statement:
        return Statement("question", clause.text, suggestions_for(clause.plain, self._avoided.terms))

    def _read(self, clause: Clause, named: Sequence[NamedConcept], before: ClauseContext) -> ClauseReading:
        core = clause.plain
        stance = stance_beside(core, named)
        targets = counted(core, stance, tuple(targets_of(core, stance, named)))
        if is_remark(clause, stance, targets, before):
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
        if excessive := re.search(
            r"\btoo (?!good\b|nice\b|kind\b|much\b|many\b|bad\b)(?P<what>\w+(?<!ly))$", core
        ):
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
        if subject and not self._avoided.has_any(subject):
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
        if bare and cues.find("done", clause.sentence) and self._avoided.knows_all(targets):
            return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
        goes_on = clause.joined or clause.turned or before.requested
        if bare and before.sign and goes_on and ("part" not in kinds or clause.turned):
            sign = 1 if (before.sign > 0) is not clause.turned else -1
            return self._with_both(clause, Stance(sign, "request"), targets, before)
        if kinds == {"thing"} and not bare and not is_request(core) and not self._avoided.has_any(targets):
            return self._against(clause, targets)
        if kinds == {"part"} and re.search(
            r"\b(?:is|are|look|looks|has|have|\w{3,}ing)\b|\w \w+ into ", core
        ):
            return self._against(clause, targets)  # what is said of a hand is no praise
        if "fault" in kinds and _WISHES.search(core):
            return self._for(clause, targets, praise=False)
        if "fault" in kinds:
            done = _is_done(clause, core) and not cues.find("still", core) and not is_request(core)
            if done and self._avoided.has_all(targets):
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
            if (
                stance.manner == "absence"
                and kinds == {"part"}
                and stance.cue
                and stance.cue.name == "gone"
                and "missing" not in clause.plain
            ):
                return ClauseReading((), Statement("success", clause.text), ClauseContext(0, targets))
            if stance.manner == "absence" and (lack := lack_of(clause.plain, targets)):
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
        avoided = self._avoided.has_all(targets)
        if stance.manner == "presence" and re.search(r"\b(?:now|finally|this time)\b", core):
            still = cues.find("still", core) or cues.find("bad", core) or " too " in core
            return not still and self._avoided.knows_all(targets)
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
            done is not None
            and not cues.find("good", done[0])
            and not cues.find_verb("like", "base", clause.plain)
        )
        opinions: tuple[Opinion, ...] = ()
        if not content and not kinds & {"part", "wanted"}:
            opinions = opinions_of(clause, targets, "for", praise=True)
        if kinds == {"fault"} and re.search(r"\b(?:better|improved|nicer|weaker|fainter)\b", clause.plain):
            content, opinions = True, ()
        known = any(self._avoided.knows_all([target]) for target in targets)
        kind: StatementKind = "success" if content and known else "praise"
        return ClauseReading(opinions, Statement(kind, clause.text), ClauseContext(1, targets))

    def _for(self, clause: Clause, targets: tuple[Target, ...], *, praise: bool) -> ClauseReading:
        # to want a hand is not to want a bad one
        wanted = tuple(as_thing(target) for target in targets)
        return ClauseReading(
            opinions_of(clause, wanted, "for", praise=praise), None, ClauseContext(1, wanted)
        )

    def _against(
        self, clause: Clause, targets: tuple[Target, ...], *, by_degree: bool = False
    ) -> ClauseReading:
        opinions = opinions_of(clause, targets, "against", by_degree=by_degree)
        return ClauseReading(opinions, None, ClauseContext(-1, targets), is_weak(clause, targets))


def _has_fault(named: Sequence[NamedConcept]) -> bool:
    return any(word.of_kind("fault") for word in named)


def _is_praise(core: str, stance: Stance) -> bool:
    return stance.manner != "request" or re.match(r"(?:just )?(?:keep|leave|love|like)\b", core) is not None


def _is_done(clause: Clause, core: str) -> bool:
    """Whether a clause speaks of what has come about."""
    return cues.find("done", core) is not None or cues.find("done", clause.sentence) is not None
