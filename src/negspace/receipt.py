"""Receipt: what was asked, planned, sent, done and counted for a set of pictures. Frozen, JSON both ways."""

from collections.abc import Iterable, Iterator
from typing import Literal

from negspace.facts import EmbeddingFacts
from negspace.findings import Finding
from negspace.frozen import Frozen
from negspace.request import Avoid, Moved, Request, Settings, Start
from negspace.verdict import JudgeVerdict


class TokenRecord(Frozen):
    """What the text encoder read for one chunk of a text.

    Attributes:
        text: the chunk as it was written.
        weight: its weight.
        tokens: the tokens it became, as text.
        known: whether every word is one the encoder has learned; None where nobody knows.
        cut: whether some of it did not reach the encoder.
    """

    text: str
    weight: float = 1.0
    tokens: tuple[str, ...] = ()
    known: bool | None = None
    cut: bool = False


class SideRecord(Frozen):
    """One side of the conditioning, as sent.

    Attributes:
        text: the text; None where the side was absent.
        windows: encoder windows it took.
        tokens: what each chunk became.
    """

    text: str | None
    windows: int = 0
    tokens: tuple[TokenRecord, ...] = ()


class TermRecord(Frozen):
    """One avoided term.

    Attributes:
        term, weight, window, source, locked, check, unchecked: as asked.
        span: where it stands in the avoid text; None where it was given as a term.
        told: how the model was told: "negative branch", all in one text; "own branch"; "attention"; or
            several of these; or "nothing".
        tokens: what it became in the encoder.
        known: whether every content word is one the encoder has learned; None where nobody knows.
        unknown: the words that are not.
        origins: everyone who asked for it, where it was merged from several.
        concept: its words without syntax, as judges are asked for it.
        effect: whether it could change the pictures: "active" or "inert"; None in receipts that do not know.
        why_not: why it was inert.
        steps: evaluation steps at which the network was told it, over all pictures and attempts; terms of one
            text share a pass of the network at each.
        looked: pictures in which it was looked for.
        seen_before, seen_after: of these, how many showed it at the first attempt, and how many at the one
            that counts.
    """

    term: str
    weight: float = 1.0
    window: tuple[float, float] = (0.0, 1.0)
    source: str = "user"
    locked: bool = False
    check: Literal["none", "flag", "retry", "block"] = "none"
    unchecked: Literal["refuse", "deliver"] = "refuse"
    span: tuple[int, int] | None = None
    channel: str = "negative branch"
    tokens: tuple[str, ...] = ()
    known: bool | None = None
    unknown: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    concept: str = ""
    effect: Literal["active", "inert"] | None = None
    why_not: str | None = None
    steps: int = 0
    looked: int = 0
    seen_before: int = 0
    seen_after: int = 0


class JudgeRecord(Frozen):
    """Who looked at the pictures.

    Attributes:
        name: of the judge.
        fingerprint: what its answers depend on: sha256 of weights and thresholds, or an address.
        retries, seconds: how often a picture could be made again.
    """

    name: str
    fingerprint: str
    retries: int
    seconds: float


class AttemptRecord(Frozen):
    """One attempt at a picture. What it has in common with the others stands in the receipt's `carried`.

    Attributes:
        seed, scale, avoid: of this attempt.
        sha256: of its RGB bytes.
        evaluations: network passes by branch.
        sights: what judges saw in it.
    """

    seed: int
    scale: float
    avoid: str | tuple[Avoid, ...] | None
    sha256: str
    evaluations: dict[str, int]
    verdicts: tuple[JudgeVerdict, ...] = ()


class ModelRecord(Frozen):
    """The model that made the pictures.

    Attributes:
        name, family: from its facts.
        fingerprint: sha256 over its weights.
        dtype, device: arithmetic and place of the network.
        rows: rows that went through the network at once; in float32 the last bits of a picture depend on it.
        parts: what stands in the place of its own parts, or was added to them: a text encoder, a LoRA with
            its weight, a whole model in one file; each with its sha256.
    """

    name: str
    family: str
    fingerprint: str
    dtype: str
    device: str
    rows: int
    parts: tuple[str, ...] = ()


class Omega(Frozen):
    """One guided step taken apart: d - d_u = positive (d_c - d_u) - negative (d_n - d_u) + a rest.

    GA-Eval, arXiv 2602.22570. Plain guidance at scale w has positive w and negative w - 1; d_n stands for all
    that is avoided, d_u + sum w_j (d_nj - d_u) where it is told one by one.

    Attributes:
        positive, negative: effective strengths of the step.
        residual: the share of d - d_u that lies in neither direction, 0 to 1.
    """

    positive: float
    negative: float
    residual: float


class ImageRecord(Frozen):
    """One picture.

    Attributes:
        seed: gives this picture alone, further attempts included.
        sha256: of its RGB bytes, rows from the top.
        evaluations: network passes by branch, over all attempts.
        told: evaluation steps at which the network was told what is avoided.
        push: per evaluation step, how far the predictions of what is avoided stood off, in the network's
            space: |sum w_j (d_nj - d_u)| where the empty branch was run, else |sum w_j (d_c - d_nj)|; None
            where none was run, as where it is told in the attention.
        omega: per evaluation step, the effective strengths; None where the predictions that tell them were
            not all run. The rule `traced` asks for all of them.
        attempts: how it came about; () where nobody looked and it was made once.
        delivered: the number of the attempt whose picture this is; None where it is withheld.
        flags: checks that did not pass, in plain words.
    """

    seed: int
    sha256: str
    evaluations: dict[str, int]
    negative_steps: int = 0
    push: tuple[float | None, ...]
    omega: tuple[Omega | None, ...] = ()
    attempts: tuple[AttemptRecord, ...] = ()
    delivered: int | None = 0
    flags: tuple[str, ...] = ()

    def sights(self) -> tuple[tuple[JudgeVerdict, ...], tuple[JudgeVerdict, ...]]:
        """What was seen at the first attempt, and at the one that counts: the delivered, or else the last."""
        if not self.attempts:
            return (), ()
        counts = len(self.attempts) - 1 if self.delivered is None else self.delivered
        return self.attempts[0].verdicts, self.attempts[counts].verdicts


class Receipt(Settings):
    """Everything about a set of pictures that is needed to judge them and to make them again.

    Attributes:
        format: version of this layout.
        request: as asked, with `seed` and `n` of the pictures in `images`; a picture that was started from is
            named in it by sha256 and size, and not carried.
        carried: as it was carried out at first, inline forms read and policies applied; `Model.again` makes
            the pictures from it and their attempts.
        negative_dialect: grammar of what `carried` avoids.
        model: what made them.
        judge: who looked at them; None is nobody.
        positive, negative: as sent.
        moved: what an inline form took out of the prompt.
        embeddings: what the text encoders were taught, with the sha256 of its file.
        terms: the avoided terms.
        negative_acted: whether what is avoided was told to the network and could change the pictures.
        why_not: if not, why, in plain words.
        evaluations: network passes by branch, over all pictures.
        images: one record a delivered picture.
        withheld: one record a picture that a check keeps back.
        findings: what was noticed.
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
    terms: tuple[TermRecord, ...]
    negative_acted: bool
    why_not: str | None
    evaluations: dict[str, int]
    images: tuple[ImageRecord, ...]
    withheld: tuple[ImageRecord, ...] = ()
    findings: tuple[Finding, ...]
    versions: dict[str, str]

    def single(self, index: int) -> "Receipt":
        """The receipt of picture `index` alone: its request asks for exactly that picture."""
        image = self.images[index]
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
        return single.model_copy(update={"terms": single.seen_in(self.terms)})

    def seen_in(self, terms: tuple[TermRecord, ...]) -> tuple[TermRecord, ...]:
        """Terms with what was seen of each in the pictures of this receipt."""
        pairs = [image.sights() for image in (*self.images, *self.withheld)]
        before, after = (_verdicts(sights[side] for sights in pairs) for side in (0, 1))
        return tuple(
            term.model_copy(
                update={
                    "looked": len(before.get(term.concept, ())),
                    "seen_before": before.get(term.concept, []).count("seen"),
                    "seen_after": after.get(term.concept, []).count("seen"),
                }
            )
            for term in terms
        )

    def summary(self) -> str:
        """The receipt for people: a few lines of plain text."""
        model = self.model
        lines = [
            f"prompt    {self.positive.text}",
            f"negative  {_told(self.negative.text)}",
            f"acted     {'yes' if self.negative_acted else 'no: ' + str(self.why_not)}",
            f"model     {model.name} {model.fingerprint[:12]}, {model.dtype} on {model.device}",
            f"rule      {self.rule}, scale {self.scale:g}, {self.sampler}, {self.steps} steps, "
            f"{self.width}x{self.height}",
            *_start_lines(self.request.start),
            f"counted   {_counted(self.evaluations)} for "
            f"{_plural(len(self.images), 'picture')}{self._kept_back()}",
            *([f"judge     {self.judge.name}"] if self.judge else []),
            *(f"part      {part}" for part in model.parts),
            *(f"moved     {_moved_line(moved)}" for moved in self.moved),
            *(f"term      {_term_line(term)}" for term in self.terms),
            *(f"embedding {one.name} {one.file} sha256 {one.sha256[:12]}" for one in self.embeddings),
            *(
                f"image     seed {image.seed} sha256 {image.sha256[:12]}{_pushed(image)}{_strengths(image)}"
                f"{_tried(image)}"
                for image in self.images
            ),
            *(f"withheld  seed {image.seed}{_tried(image)}" for image in self.withheld),
            *(f"{finding.level:<9} {finding.text}" for finding in self.findings),
        ]
        return "\n".join(lines)

    def _kept_back(self) -> str:
        return f", {len(self.withheld)} more withheld" if self.withheld else ""


def _verdicts(looks: Iterable[tuple[JudgeVerdict, ...]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for sights in looks:
        for sight in sights:
            found.setdefault(sight.concept, []).append(sight.verdict)
    return found


def _start_lines(start: Start | None) -> Iterator[str]:
    """What was started from."""
    if start is not None:
        mask = "" if start.mask is None else f", redrawn by mask sha256 {start.mask.sha256[:12]}"
        yield f"from      sha256 {start.picture.sha256[:12]}, strength {start.strength:g}{mask}"


def _told(text: str | None) -> str:
    if text is None:
        return "(none)"
    return text if text else "(empty)"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _counted(evaluations: dict[str, int]) -> str:
    parts = ", ".join(f"{count} {branch}" for branch, count in evaluations.items())
    return f"{sum(evaluations.values())} evaluations ({parts})"


def _term_line(term: TermRecord) -> str:
    known = {True: "known", False: f"unknown: {', '.join(term.unknown)}", None: "not known whether known"}[
        term.known
    ]
    weight = "" if term.weight == 1.0 else f" x{term.weight:g}"
    asked = ", ".join(term.origins) or term.source
    seen = f", seen in {term.seen_before} of {term.looked} at first" if term.looked else ""
    if term.looked:
        seen += f" and {term.seen_after} at last"
    inert = f", inert: {term.why_not}" if term.effect == "inert" else ""
    return f"{term.term}{weight} [{asked}] {known}, told by {term.channel}{inert}{seen}"


def _moved_line(moved: Moved) -> str:
    return f"{moved.text} (characters {moved.span[0]} to {moved.span[1]} of the prompt as asked)"


def _tried(image: ImageRecord) -> str:
    return f" after {len(image.attempts)} attempts" if len(image.attempts) > 1 else ""


def _pushed(image: ImageRecord) -> str:
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
    return " mean omega {:.3g}, -{:.3g}, rest {:.2g}".format(*means)
