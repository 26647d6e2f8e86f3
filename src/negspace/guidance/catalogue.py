"""The list of rules. Another one is one file, one line here and one in `rulefacts`, and one case by hand."""

from typing import Any

from negspace.guidance.base import Rule
from negspace.guidance.rules.adaptive import Adaptive
from negspace.guidance.rules.apg import Apg
from negspace.guidance.rules.auto import Auto
from negspace.guidance.rules.autoguidance import Autoguidance
from negspace.guidance.rules.cads import Cads
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.rules.cfg_pp import CfgPp
from negspace.guidance.rules.cfg_zero import CfgZero
from negspace.guidance.rules.composable import Composable
from negspace.guidance.rules.contrastive import Contrastive
from negspace.guidance.rules.crg import Crg
from negspace.guidance.rules.dng import Dng
from negspace.guidance.rules.dng_oracle import DngOracle
from negspace.guidance.rules.dual import Dual
from negspace.guidance.rules.fdg import Fdg
from negspace.guidance.rules.nag import Nag
from negspace.guidance.rules.nasa import Nasa
from negspace.guidance.rules.negpip import Negpip
from negspace.guidance.rules.norm_cap import NormCap
from negspace.guidance.rules.ong import Ong
from negspace.guidance.rules.pag import Pag
from negspace.guidance.rules.perp_neg import PerpNeg
from negspace.guidance.rules.rescale import Rescale
from negspace.guidance.rules.reuse import Reuse
from negspace.guidance.rules.seg import Seg
from negspace.guidance.rules.sega import Sega
from negspace.guidance.rules.sld import Sld
from negspace.guidance.rules.slg import Slg
from negspace.guidance.rules.tcfg import Tcfg
from negspace.guidance.rules.threshold import Threshold
from negspace.guidance.rules.token_norm import TokenNorm
from negspace.guidance.rules.traced import Traced
from negspace.guidance.rules.vsf import Vsf

_ALL: tuple[type[Rule[Any]], ...] = (
    Adaptive,
    Apg,
    Auto,
    Autoguidance,
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
    Nag,
    Nasa,
    Negpip,
    NormCap,
    Ong,
    Pag,
    PerpNeg,
    Rescale,
    Reuse,
    Seg,
    Sega,
    Sld,
    Slg,
    Tcfg,
    Threshold,
    TokenNorm,
    Traced,
    Vsf,
)

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in _ALL}
"""Every rule by name."""
