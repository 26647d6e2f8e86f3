"""The list of rules. Another one is one file, one line here and one in `rulefacts`, and one case by hand."""

from typing import Any

from negspace.guidance.autoguidance import Autoguidance
from negspace.guidance.base import Rule
from negspace.guidance.cfg import Cfg
from negspace.guidance.nag import Nag
from negspace.guidance.nasa import Nasa
from negspace.guidance.negpip import Negpip
from negspace.guidance.ong import Ong
from negspace.guidance.pag import Pag
from negspace.guidance.seg import Seg
from negspace.guidance.slg import Slg
from negspace.guidance.traced import Traced
from negspace.guidance.vsf import Vsf

_ALL: tuple[type[Rule[Any]], ...] = (
    Autoguidance,
    Cfg,
    Nag,
    Nasa,
    Negpip,
    Ong,
    Pag,
    Seg,
    Slg,
    Traced,
    Vsf,
)

RULES: dict[str, type[Rule[Any]]] = {rule.name: rule for rule in _ALL}
"""Every rule by name."""
