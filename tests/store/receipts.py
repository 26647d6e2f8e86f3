"""Receipts and requests to keep, without a model."""

from negspace.receipt import Receipt
from negspace.records import ImageRecord, ModelRecord, SideRecord
from negspace.request import Request
from negspace.store import AcceptedRequest


def accepted(
    id: str, tenant: str = "one", conversation: str | None = None, moment: float = 1.0
) -> AcceptedRequest:
    return AcceptedRequest(id, tenant, Request(prompt="a 'house' \u0001 ü"), 2, None, conversation, moment)


def receipt(pictures: int = 1) -> Receipt:
    return Receipt(
        request=Request(prompt="a house", n=pictures),
        model=ModelRecord(name="m", family="sd", fingerprint="f", dtype="float32", device="cpu", rows=2),
        rule="cfg",
        scale=3.0,
        steps=2,
        sampler="DDIM",
        width=64,
        height=64,
        positive=SideRecord(text="a house"),
        negative=SideRecord(text=None),
        terms=(),
        negative_acted=False,
        why_not="nothing was asked to be avoided",
        evaluations={"positive": 2 * pictures},
        images=tuple(
            ImageRecord(seed=seed, sha256=f"{seed:064}", evaluations={"positive": 2}, push=(None, None))
            for seed in range(pictures)
        ),
        findings=(),
        versions={},
    )
