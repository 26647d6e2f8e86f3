"""The law of receipts: what they call inert changed no bit of the latents, and what they call acted did.

Its cases are a product of families, rules and what is avoided; ordinary runs take a share of it.
"""

from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

import torch

from negspace.generate import Result
from negspace.guidance import RULES
from negspace.prompt import DIALECTS
from negspace.request import Avoid

STEPS = 3
PROMPT = "a red cat, snow"
SETTINGS = (
    "cfg(scale=1)",
    "cfg(strength=window(0.9, 0.95))",
    "cfg(strength=window(0.5, 1))",
    "dual(scale=3, negative=2)",
    "dual(negative=0)",
    "composable(scale=0)",
    "contrastive(negative=0)",
    "perp_neg(scale=0)",
    "crg(threshold=1e9)",
    "dng_oracle(posterior=constant(0))",
    "dng(scale=1)",
    "sld(warmup=1)",
    "sld(warmup=0.9, momentum=0)",
    "sld(warmup=0.6)",
    "sega(warmup=0.9)",
    "sega(warmup=0, cooldown=0)",
    "fdg(coarse=0, fine=0)",
    "norm_cap(most=0)",
    "apg(radius=0)",
    "cfg_zero(zeros=9)",
    "reuse(every=4)",
    "adaptive(share=1)",
    "nag(cfg(scale=1))",
    "nag(cfg(scale=1), alpha=0)",
    "nag(perp_neg(scale=2, negative=0))",
    "nasa(cfg(scale=1))",
    "nasa(cfg(scale=1), weight=0)",
    "negpip(cfg(scale=1))",
    "ong(cfg(scale=1))",
    "vsf(cfg(scale=1))",
    "traced(sld(warmup=0.9, momentum=0))",
    "traced(auto)",
    "traced(nag(cfg(scale=1)))",
)
"""Settings that leave no step, no push or no change, and some that nearly do."""

TEXTS = (
    "blurry",
    "blurry, watermark",
    "[hat::0.5]",
    "[hat:0.99]",
    PROMPT,
    "(hat:1.3) smoke",
    "qzx",
)
TERMS = (
    (Avoid(term="hat"), Avoid(term="smoke", weight=0.5)),
    (Avoid(term="hat", window=(0.0, 0.3)), Avoid(term="text", window=(0.8, 0.9))),
    (Avoid(term="hat", window=(0.9, 0.95)),),
    (Avoid(term="qzx"), Avoid(term="hat", window=(0.6, 1.0)), Avoid(term="tree"), Avoid(term="text")),
)

Avoided = str | tuple[Avoid, ...]
Case = tuple[str, str, str, Avoided]
"""Family, rule, dialect, what is avoided."""

Make = Callable[[str, str, str, Avoided], Result]
"""The picture of a case."""


def cases(families: Iterable[str], hosted: Callable[[str], bool] = lambda rule: True) -> list[Case]:
    """Every case of these families, with the rules that they host."""
    texts = [(dialect, text) for dialect in DIALECTS for text in TEXTS]
    avoided: list[tuple[str, Avoided]] = [*texts, *(("a1111", terms) for terms in TERMS)]
    rules = [rule for rule in (*RULES, *SETTINGS) if hosted(rule)]
    return [(family, rule, *asked) for family in families for rule in rules for asked in avoided]


def share(every: Sequence[Case], count: int) -> list[Case]:
    """So many of the cases, without order, the same in every run."""
    return sorted(every, key=lambda case: crc32(repr(case).encode()))[:count]


def holds(make: Make, case: Case) -> None:
    """The law for the negative, and for each of its terms where they are given one by one."""
    family, rule, dialect, avoid = case
    result = make(*case)
    receipt = result.receipt
    without = make(family, rule, dialect, "" if isinstance(avoid, str) else ())
    changed = not torch.equal(result.latents, without.latents)
    assert receipt.negative_acted == changed, (case, receipt.why_not)
    assert receipt.negative_acted == any(term.effect == "active" for term in receipt.terms)
    for number, term in enumerate(receipt.terms if isinstance(avoid, tuple) else ()):
        assert isinstance(avoid, tuple)
        others = (*avoid[:number], *avoid[number + 1 :])
        changed = not torch.equal(result.latents, make(family, rule, dialect, others).latents)
        assert (term.effect == "active") == changed, (case, term.term, term.why_not)
