"""Parts of a policy: whom it is for, what its makers recommend, and what must be seen in every picture."""

from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from negspace.request import Check

Plain = Annotated[str, Field(min_length=1, max_length=120)]


class PolicyValue(BaseModel):
    """Frozen, and refuses keys that it does not have."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WantedTerm(PolicyValue):
    """One thing that must be seen in every picture.

    Attributes:
        term: plain words for one thing, as a judge looks for it.
        check: what happens when it is not seen.
    """

    term: Plain
    check: Check = "retry"


class AppliesTo(PolicyValue):
    """The models and tenants that a policy is for; an empty list is all of them.

    Attributes:
        families: families of models, such as "sd" or "sdxl".
        checkpoints: names of models, with * and ? as in file names.
        tenants: tenants of a service.
    """

    families: tuple[str, ...] = ()
    checkpoints: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()

    def why_not(self, family: str, checkpoint: str, tenant: str | None) -> str | None:
        """Why it is not for this model and tenant; None where it is."""
        if self.families and family not in self.families:
            return f"it is for the families {', '.join(self.families)}, not {family}"
        name = checkpoint.casefold()
        if self.checkpoints and not any(
            fnmatchcase(name, pattern.casefold()) for pattern in self.checkpoints
        ):
            return f"it is for the checkpoints {', '.join(self.checkpoints)}, not {checkpoint}"
        if self.tenants and tenant not in self.tenants:
            return f"it is for other tenants than {tenant!r}"
        return None


class Recommends(PolicyValue):
    """Settings that the makers of a checkpoint recommend, for what a request by this policy leaves open.

    Attributes:
        scale, steps, sampler, guidance: as in a request.
    """

    scale: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    steps: Annotated[int, Field(ge=1)] | None = None
    sampler: str | None = None
    guidance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None

    def __str__(self) -> str:
        known = ((name, getattr(self, name)) for name in type(self).model_fields)
        return ", ".join(f"{name} {_written(value)}" for name, value in known if value is not None)


def _written(value: float | str) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
