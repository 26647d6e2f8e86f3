"""Summary: what became of the negative, in the few words that a reply of another protocol has room for."""

from urllib.parse import quote

from negspace.receipt import Receipt
from negspace.serve.jobs.events import Picture

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


def acted(receipt: Receipt) -> str:
    """Whether the negative could change the pictures, and if not, why."""
    return "yes" if receipt.negative_acted else f"no: {receipt.why_not}"


def receipt_address(picture: Picture) -> str:
    """Where the receipt of a picture is asked for."""
    return f"/api/images/{picture.id}/receipt"


def headers(picture: Picture) -> dict[str, str]:
    """The receipt in headers, for a reply that is the bytes of a picture. Texts are percent-encoded UTF-8."""
    receipt = picture.receipt
    told = receipt.negative.text
    return {
        "X-Negspace-Image": picture.id,
        "X-Negspace-Receipt": receipt_address(picture),
        "X-Negspace-Seed": str(receipt.images[0].seed),
        "X-Negspace-Model": _encoded(receipt.model.name),
        "X-Negspace-Negative-Acted": _encoded(acted(receipt)),
        "X-Negspace-Evaluations": str(sum(receipt.evaluations.values())),
        "X-Negspace-Findings": ",".join(dict.fromkeys(finding.code for finding in receipt.findings)),
        **({} if told is None else {"X-Negspace-Negative": _encoded(told)}),
    }


def _encoded(text: str) -> str:
    return quote(text[:2000], safe=_PRINTABLE)
