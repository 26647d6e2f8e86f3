"""The list of rules. Adding a rule is one file, one line here, and one case by hand."""

from typing import Any

from negspace.guidance.adaptive import Adaptive
from negspace.guidance.apg import Apg
from negspace.guidance.base import Rule
from negspace.guidance.cads import Cads
from negspace.guidance.cfg import Cfg
from negspace.guidance.cfg_pp import CfgPp
from negspace.guidance.cfg_zero import CfgZero
from negspace.guidance.fdg import Fdg
from negspace.guidance.norm_cap import NormCap
from negspace.guidance.rescale import Rescale
from negspace.guidance.reuse import Reuse
from negspace.guidance.tcfg import Tcfg
from negspace.guidance.threshold import Threshold

_ALL: tuple[type[Rule[Any]], ...] = (
    Adaptive,
    Apg,
    Cads,
    Cfg,
    CfgPp,
    CfgZero,
    Fdg,
    NormCap,
    Rescale,
    Reuse,
    Tcfg,
    Threshold,
)

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in _ALL}
"""Every rule by name."""
