"""Half of classifier-free guidance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from negspace.guidance.base import Rule
from negspace.guidance.rules.cfg import Cfg
from negspace.guidance.shared.wrappers import Shaping

if TYPE_CHECKING:
    from torch import Tensor


@final
@dataclass(frozen=True)
class HalfCfg(Shaping):
    """d = d_c + (g - d_c) / 2, g what the inner rule makes of the step."""

    name = "half_cfg"
    formula = "d = d_c + (g - d_c) / 2"
    paper = "an example"
    space = "any"

    inner: Rule[Any] = Cfg()

    def shape(self, guided: Tensor, positive: Tensor) -> Tensor:
        return positive + (guided - positive) / 2
