"""Tenant: on whose behalf something is asked, and what may be asked on it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tenant:
    """One who asks. A limit of None is the server's own.

    Attributes:
        name: by which requests, policies and metrics know it.
        admin: whether it sees what others asked for.
        policies: names of policies that bind every request of it.
        models: names of models it may ask for; None is all.
        largest: pixels of a picture.
        most_steps, most_pictures: of a request.
        rate: requests for pictures a minute.
        quota: evaluations a day (UTC).
        weight: of its share where several wait; 2 gets twice as much as 1.
    """

    name: str
    admin: bool = False
    policies: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    largest: int | None = None
    most_steps: int | None = None
    most_pictures: int | None = None
    rate: float | None = None
    quota: int | None = None
    weight: float = 1.0

    def sees(self, owner: str) -> bool:
        """Whether what belongs to a tenant of this name may be shown to it."""
        return self.admin or owner == self.name


LOCAL = Tenant("local", admin=True)
"""Everyone on this machine, where the server has no keys."""

ANYONE = Tenant("anyone", admin=True)
"""Who shows an address that was signed for it."""
