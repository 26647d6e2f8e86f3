"""RuleFacts: what a plan must know of every rule, as plain values. The arithmetic is in `negspace.guidance`.

Held here, apart from the rules, because plans are made without torch. A test runs every rule and compares.
"""

from dataclasses import dataclass
from typing import Literal

Tells = Literal["text", "terms", "joint", "attention", "nothing"]
Needs = Literal["nothing", "cross-attention", "mid self-attention", "self-attention", "weak model"]


@dataclass(frozen=True)
class RuleFacts:
    """One rule.

    Attributes:
        tells: how what is avoided reaches the network: in one "text" that a branch is told, in "terms" with
            a branch each, "joint" with the prompt in a branch, in the "attention" of the positive branch, or
            by this rule not at all.
        needs: what the network must have for it, besides answering.
        wraps: whether there is another rule inside.
        at_one: whether it acts where the scale is 1.
        cancels: whether nothing is left of it where what is avoided is also what is wanted.
        scale: the scale it was made for; None takes the model's.
    """

    tells: Tells = "nothing"
    needs: Needs = "nothing"
    wraps: bool = False
    at_one: bool = False
    cancels: bool = False
    scale: float | None = None


_WRAPPER = RuleFacts(wraps=True)
_APART = RuleFacts("terms", at_one=True)
_ATTENTION = RuleFacts("attention", "cross-attention", wraps=True, at_one=True, scale=1.0)

RULE_FACTS: dict[str, RuleFacts] = {
    "cfg": RuleFacts("text", cancels=True),
    "cfg_pp": RuleFacts("text", cancels=True),
    # one branch for each thing avoided
    "composable": _APART,
    "contrastive": _APART,
    "crg": _APART,
    "dng": _APART,
    "dng_oracle": _APART,
    "dual": _APART,
    "perp_neg": RuleFacts("terms", at_one=True, cancels=True),
    "sega": _APART,
    "sld": RuleFacts("text", at_one=True),
    "auto": RuleFacts("joint"),
    # the second conditioning rides in the same evaluation
    "nag": RuleFacts("attention", "cross-attention", wraps=True, at_one=True, cancels=True, scale=1.0),
    "nasa": _ATTENTION,
    "negpip": _ATTENTION,
    "ong": RuleFacts("attention", "cross-attention", wraps=True, at_one=True, cancels=True, scale=1.0),
    "vsf": _ATTENTION,
    # what is held against the prediction is a worse one
    "autoguidance": RuleFacts(needs="weak model", wraps=True, scale=1.0),
    "pag": RuleFacts(needs="mid self-attention", wraps=True),
    "seg": RuleFacts(needs="mid self-attention", wraps=True),
    "slg": RuleFacts(needs="self-attention", wraps=True),
    # what an inner rule makes of a step, or asks for, is changed
    "adaptive": _WRAPPER,
    "apg": _WRAPPER,
    "cads": _WRAPPER,
    "cfg_zero": _WRAPPER,
    "fdg": _WRAPPER,
    "norm_cap": _WRAPPER,
    "rescale": _WRAPPER,
    "reuse": _WRAPPER,
    "tcfg": _WRAPPER,
    "threshold": _WRAPPER,
    "token_norm": _WRAPPER,
    "traced": _WRAPPER,
}
"""Every rule by name."""
