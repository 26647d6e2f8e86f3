"""The list of rules. Another one is one file, one line here and one in `rulefacts`, and one case by hand."""

from typing import Any

from negspace.guidance.adaptive import Adaptive
from negspace.guidance.apg import Apg
from negspace.guidance.auto import Auto
from negspace.guidance.autoguidance import Autoguidance
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
from negspace.guidance.nag import Nag
from negspace.guidance.nasa import Nasa
from negspace.guidance.negpip import Negpip
from negspace.guidance.norm_cap import NormCap
from negspace.guidance.ong import Ong
from negspace.guidance.pag import Pag
from negspace.guidance.perp_neg import PerpNeg
from negspace.guidance.rescale import Rescale
from negspace.guidance.reuse import Reuse
from negspace.guidance.seg import Seg
from negspace.guidance.sega import Sega
from negspace.guidance.sld import Sld
from negspace.guidance.slg import Slg
from negspace.guidance.tcfg import Tcfg
from negspace.guidance.threshold import Threshold
from negspace.guidance.token_norm import TokenNorm
from negspace.guidance.traced import Traced
from negspace.guidance.vsf import Vsf

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
