"""The list of rules. Adding a rule is one file, one line here, and one case by hand."""

from typing import Any

from negspace.guidance.adaptive import Adaptive
from negspace.guidance.apg import Apg
from negspace.guidance.base import Rule
from negspace.guidance.cads import Cads
from negspace.guidance.cfg import Cfg
from negspace.guidance.cfg_pp import CfgPp
from negspace.guidance.cfg_zero import CfgZero
from negspace.guidance.composable import Composable
from negspace.guidance.contrastive import Contrastive
from negspace.guidance.crg import Crg
from negspace.guidance.dng import Dng
from negspace.guidance.dng_oracle import DngOracle
from negspace.guidance.dual import Dual
from negspace.guidance.fdg import Fdg
from negspace.guidance.norm_cap import NormCap
from negspace.guidance.perp_neg import PerpNeg
from negspace.guidance.rescale import Rescale
from negspace.guidance.reuse import Reuse
from negspace.guidance.sega import Sega
from negspace.guidance.sld import Sld
from negspace.guidance.tcfg import Tcfg
from negspace.guidance.threshold import Threshold

_ALL: tuple[type[Rule[Any]], ...] = (
    Adaptive,
    Apg,
    Cads,
    Cfg,
    CfgPp,
    CfgZero,
    Composable,
    Contrastive,
    Crg,
    Dng,
    DngOracle,
    Dual,
    Fdg,
    NormCap,
    PerpNeg,
    Rescale,
    Reuse,
    Sega,
    Sld,
    Tcfg,
    Threshold,
)

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in _ALL}
"""Every rule by name."""
