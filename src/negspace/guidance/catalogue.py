"""The list of rules. Adding a rule is one file, one line here, and one case by hand."""

from typing import Any

from negspace.guidance.base import Rule
from negspace.guidance.cfg import Cfg
from negspace.guidance.composable import Composable
from negspace.guidance.contrastive import Contrastive
from negspace.guidance.crg import Crg
from negspace.guidance.dng import Dng
from negspace.guidance.dng_oracle import DngOracle
from negspace.guidance.dual import Dual
from negspace.guidance.perp_neg import PerpNeg
from negspace.guidance.sega import Sega
from negspace.guidance.sld import Sld

_ALL: tuple[type[Rule[Any]], ...] = (
    Cfg,
    Composable,
    Contrastive,
    Crg,
    Dng,
    DngOracle,
    Dual,
    PerpNeg,
    Sega,
    Sld,
)

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in _ALL}
"""Every rule by name."""
