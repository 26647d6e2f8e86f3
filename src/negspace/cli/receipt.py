"""A receipt as people read it in a terminal."""

from negspace.cli import show
from negspace.receipt import Receipt
from negspace.records import ImageRecord, TermRecord
from negspace.request import Start


def show_receipt(receipt: Receipt) -> None:
    """What was sent, whether the negative acted, what it cost, each term and each picture, and findings."""
    model = receipt.model
    show.pairs(
        [
            ("prompt", receipt.positive.text or ""),
            ("negative", show.sent_text(receipt.negative.text)),
            ("acted", acted(receipt)),
            ("model", f"{model.name} {model.fingerprint[:12]}, {model.dtype} on {model.device}"),
            ("made by", made_by(receipt)),
            *_started(receipt.request.start),
            ("counted", counted(receipt)),
        ]
    )
    show.moved_terms(receipt.moved)
    show.embeddings(receipt.embeddings)
    show.loras(receipt.loras)
    if receipt.terms:
        show.line("")
        show.table(
            (*show.TERM_COLUMNS, "check", "seen", "did nothing"),
            [_term(term, receipt) for term in receipt.terms],
            show.USUAL | {"check": "none", "seen": "", "did nothing": ""},
        )
    show.line("")
    show.table(
        ("seed", "evaluations", "push", "sha256 of the pixels", "attempts", "note"),
        [
            *(_image(image, "flagged" if image.flags else "") for image in receipt.images),
            *(_image(image, "withheld") for image in receipt.withheld),
        ],
        {"attempts": "1", "note": ""},
    )
    if receipt.negative_acted:
        show.line(
            "push: how far the negative's prediction stood off in a step; the mean and the largest", "dim"
        )
    if receipt.findings:
        show.line("")
        show.findings(receipt.findings)


def _started(start: Start | None) -> list[tuple[str, str]]:
    """What was started from."""
    if start is None:
        return []
    mask = "" if start.mask is None else f", redrawn by mask {start.mask.sha256[:16]}"
    return [("from", f"picture {start.picture.sha256[:16]}, strength {start.strength:g}{mask}")]


def acted(receipt: Receipt) -> str:
    """Whether the negative could act, and in how many steps it was told; or why not."""
    if not receipt.negative_acted:
        return f"no: {receipt.why_not}"
    first = (*receipt.images, *receipt.withheld)[0]
    return f"yes, in {first.negative_steps} of {receipt.steps_taken} steps"


def made_by(receipt: Receipt) -> str:
    """Rule, scale, sampler, steps and size."""
    size = f"{receipt.width}x{receipt.height}"
    made = f"{receipt.rule}, scale {receipt.scale:g}, {receipt.sampler}, {receipt.steps} steps, {size}"
    return made if receipt.hires is None else f"{made}, then {receipt.hires}"


def counted(receipt: Receipt) -> str:
    """Evaluations in all and by branch."""
    count = len(receipt.images) + len(receipt.withheld)
    by_branch = ", ".join(f"{number} {branch}" for branch, number in receipt.evaluations.items())
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return f"{sum(receipt.evaluations.values())} evaluations for {pictures}: {by_branch}"


_NOT_LOOKED = {True: "", False: "cannot tell"}  # by whether there is no judge


def _term(term: TermRecord, receipt: Receipt) -> tuple[str, ...]:
    known = show.known_words(term.known, term.unknown)
    seen = (
        f"{term.seen_after} of {term.looked}, at first {term.seen_before}"
        if term.looked
        else _NOT_LOOKED[receipt.judge is None]
    )
    inert = (term.why_not or "") if receipt.negative_acted else ""  # else "acted" says it of all
    tokens = " ".join(token.removesuffix("</w>") for token in term.tokens)  # CLIP's mark of a word's end
    head = (term.term, f"{term.weight:g}", show.window_text(term.window), term.source, term.channel)
    return *head, known, tokens, term.check, seen, inert


def _image(image: ImageRecord, note: str) -> tuple[str, ...]:
    pushes = [push for push in image.push if push is not None]
    push = f"{sum(pushes) / len(pushes):.3g} ({max(pushes):.3g})" if pushes else "none"
    count = str(sum(image.evaluations.values()))
    return str(image.seed), count, push, image.sha256[:16], str(len(image.attempts) or 1), note
