"""`Tensor` for annotations without importing torch: rules are part of plans, which are made without it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor as Tensor
else:
    Tensor = Any
