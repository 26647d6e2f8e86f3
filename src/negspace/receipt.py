"""The receipt of a set of pictures: what was requested, planned, encoded, run and counted."""

from collections.abc import Iterable, Iterator
from typing import Literal

from negspace.errors import RequestError
from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.records import (
    ImageRecord,
    JudgeRecord,
    JudgeVerdict,
    LoraRecord,
    ModelRecord,
    Settings,
    SideRecord,
    TermRecord,
    WantedRecord,
)
from negspace.request import Moved, Request, Start


class Receipt(Settings):
    """Everything about a set of pictures that is needed to judge them and to make them again.

    Attributes:
        format: version of this layout.
        request: as the caller gave it, with `seed` and `n` of the pictures in `images`. A picture to start
            from is identified by sha256 and size, and not included.
        carried: as it was carried out at first, after inline forms and policies; `Model.again` makes the
            pictures from it and their attempts.
        negative_dialect: the dialect of the avoid texts in `carried`.
        model, judge: what made them, and what looked at them; None where no judge did.
        positive, negative: the texts as they were encoded.
        moved: what inline forms moved out of the prompt.
        embeddings: the textual-inversion embeddings, each with the sha256 of its file.
        loras: the LoRA files that were added to the weights.
        wanted: what was to be seen in the pictures, where a check asked for a look.
        negative_acted: whether the negative made a difference: at some step of some picture the guided
            prediction would have been another without it. It is observed while the pictures are made.
        why_not: if not, why, in plain words.
        evaluations: network passes by branch, over all pictures.
        images: one record for each delivered picture.
        withheld: one record for each picture that a check keeps back.
        versions: of the programs involved.
    """

    format: Literal[1] = 1
    request: Request
    carried: Request | None = None
    negative_dialect: str = "a1111"
    model: ModelRecord
    judge: JudgeRecord | None = None
    positive: SideRecord
    negative: SideRecord
    moved: tuple[Moved, ...] = ()
    embeddings: tuple[EmbeddingFacts, ...] = ()
    loras: tuple[LoraRecord, ...] = ()
    terms: tuple[TermRecord, ...]
    wanted: tuple[WantedRecord, ...] = ()
    negative_acted: bool
    why_not: str | None
    evaluations: dict[str, int]
    images: tuple[ImageRecord, ...]
    withheld: tuple[ImageRecord, ...] = ()
    findings: tuple[Finding, ...]
    versions: dict[str, str]

    def delivered(self, index: int) -> ImageRecord:
        """The record of delivered picture `index`, from 0; as in a list, -1 is the last.

        Raises:
            RequestError: there is no such picture; the message says what was withheld and why.
        """
        if -len(self.images) <= index < len(self.images):
            return self.images[index]
        kept = "".join(f"; withheld: {_withheld_text(image)}" for image in self.withheld)
        raise RequestError(f"picture {index}: the receipt has {_pictures(len(self.images))}{kept}")

    def single(self, index: int) -> "Receipt":
        """The receipt of picture `index` alone: its request gives exactly that picture."""
        image = self.delivered(index)
        alone = {"seed": image.seed, "n": 1}
        single = self.model_copy(
            update={
                "request": self.request.model_copy(update=alone),
                "carried": self.carried and self.carried.model_copy(update=alone),
                "evaluations": dict(image.evaluations),
                "images": (image,),
                "withheld": (),
            }
        )
        return single.with_counts()

    @property
    def start(self) -> Start | None:
        """What the pictures were started from, as it was carried out."""
        return self.request.start if self.carried is None else self.carried.start

    @property
    def steps_taken(self) -> int:
        """Steps of each picture in all its passes, without those that are skipped."""
        start, hires = self.start, self.hires
        first = self.steps - (0 if start is None else start.skipped(self.steps))
        return first + (0 if hires is None else hires.steps_taken)

    def with_counts(self) -> "Receipt":
        """The receipt with how many of its pictures show each term, and miss each wanted thing."""
        images = (*self.images, *self.withheld)
        before = _by_concept(verdict for image in images for verdict in image.first_verdicts)
        after = _by_concept(verdict for image in images for verdict in image.final_verdicts)
        wanted = tuple(
            thing.model_copy(
                update={
                    "looked": len(before.get(thing.term, ())),
                    "missing_before": before.get(thing.term, []).count("absent"),
                    "missing_after": after.get(thing.term, []).count("absent"),
                }
            )
            for thing in self.wanted
        )
        terms = tuple(
            term.model_copy(
                update={
                    "looked": len(before.get(term.concept, ())),
                    "seen_before": before.get(term.concept, []).count("seen"),
                    "seen_after": after.get(term.concept, []).count("seen"),
                    "unclear": after.get(term.concept, []).count("unknown"),
                }
            )
            for term in self.terms
        )
        return self.model_copy(update={"terms": terms, "wanted": wanted})

    def summary(self) -> str:
        """The receipt for people: a few lines of plain text."""
        return "\n".join(f"{label:<9} {text}" for label, text in self._summary())

    def _summary(self) -> Iterator[tuple[str, str]]:
        """Each line of the summary: its label and its text."""
        yield "prompt", str(self.positive.text)
        yield "negative", "(none)" if self.negative.text is None else self.negative.text or "(empty)"
        yield "acted", "yes" if self.negative_acted else f"no: {self.why_not}"
        yield "model", _model_text(self.model)
        yield "rule", _settings_text(self)
        if self.start is not None:
            yield "start", _start_text(self.start)
        yield "counted", self._counted()
        if self.judge is not None:
            yield "judge", self.judge.name
        yield from (("part", part) for part in self.model.parts)
        yield from (("moved", _moved_text(moved)) for moved in self.moved)
        yield from (("term", _term_text(term, self.judge is not None)) for term in self.terms)
        yield from (("wanted", str(thing)) for thing in self.wanted)
        yield from (("embedding", _embedding_text(embedding)) for embedding in self.embeddings)
        yield from (("lora", str(lora)) for lora in self.loras)
        yield from (("image", _image_text(image)) for image in self.images)
        yield from (("withheld", _withheld_text(image)) for image in self.withheld)
        yield from ((finding.level, finding.text) for finding in self.findings)

    def _counted(self) -> str:
        branches = ", ".join(f"{count} {branch}" for branch, count in self.evaluations.items())
        pictures = _pictures(len(self.images))
        withheld = f", {len(self.withheld)} more withheld" if self.withheld else ""
        return f"{sum(self.evaluations.values())} evaluations ({branches}) for {pictures}{withheld}"


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _withheld_text(image: ImageRecord) -> str:
    return f"seed {image.seed}{_attempts(image)}: {'; '.join(image.flags)}"


def _by_concept(verdicts: Iterable[JudgeVerdict]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for verdict in verdicts:
        grouped.setdefault(verdict.concept, []).append(verdict.verdict)
    return grouped


def _model_text(model: ModelRecord) -> str:
    return f"{model.name} {model.fingerprint[:12]}, {model.dtype} on {model.device}"


def _settings_text(settings: Settings) -> str:
    size = f"{settings.width}x{settings.height}"
    made = f"{settings.rule}, scale {settings.scale:g}, {settings.sampler}, {settings.steps} steps, {size}"
    return made if settings.hires is None else f"{made}, then {settings.hires}"


def _start_text(start: Start) -> str:
    mask = "" if start.mask is None else f", redrawn by mask sha256 {start.mask.sha256[:12]}"
    return f"sha256 {start.picture.sha256[:12]}, strength {start.strength:g}{mask}"


def _moved_text(moved: Moved) -> str:
    return f"{moved.text} (characters {moved.span[0]} to {moved.span[1]} of the prompt in the request)"


def _term_text(term: TermRecord, judged: bool) -> str:
    weight = "" if term.weight == 1.0 else f" x{term.weight:g}"
    sources = ", ".join(term.origins) or term.source
    known = {True: "known", False: f"unknown: {', '.join(term.unknown)}", None: "vocabulary not available"}
    inert = f", inert: {term.why_not}" if term.effect == "inert" else ""
    seen = f", {_seen_text(term)}" if judged else ""
    return f"{term.term}{weight} [{sources}] {known[term.known]}, through {term.channel}{inert}{seen}"


def _seen_text(term: TermRecord) -> str:
    """What the judge saw of a term, in words."""
    if not term.looked:
        return "the judge cannot tell whether it is seen"
    unclear = f", unclear in {term.unclear}" if term.unclear else ""
    counts = f"seen in {term.seen_before} of {term.looked} pictures at first and in {term.seen_after} at last"
    return counts + unclear


def _embedding_text(embedding: EmbeddingFacts) -> str:
    return f"{embedding.name} {embedding.file} sha256 {embedding.sha256[:12]}"


def _image_text(image: ImageRecord) -> str:
    return f"seed {image.seed} sha256 {image.sha256[:12]}{_push(image)}{_strengths(image)}{_attempts(image)}"


def _attempts(image: ImageRecord) -> str:
    return f" after {len(image.attempts)} attempts" if len(image.attempts) > 1 else ""


def _push(image: ImageRecord) -> str:
    pushes = [push for push in image.push if push is not None]
    return f" mean push {sum(pushes) / len(pushes):.3g}" if pushes else ""


def _strengths(image: ImageRecord) -> str:
    known = [omega for omega in image.omega if omega is not None]
    if not known:
        return ""
    means = [
        sum(getattr(omega, name) for omega in known) / len(known)
        for name in ("positive", "negative", "residual")
    ]
    return " mean omega {:.3g}, -{:.3g}, residual {:.2g}".format(*means)
