"""Tenant: on whose behalf something is asked, and what may be asked on it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tenant:
    """One who asks.

    Attributes:
        name: by which requests, policies and metrics know it.
        admin: whether it sees what others asked for.
        policies: names of policies that bind every request of it.
        models: names of models it may ask for; None is all.
    """

    name: str
    admin: bool = False
    policies: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None

    def sees(self, owner: str) -> bool:
        """Whether what belongs to a tenant of this name may be shown to it."""
        return self.admin or owner == self.name


LOCAL = Tenant("local", admin=True)
"""Everyone on this machine, where the server has no keys."""
