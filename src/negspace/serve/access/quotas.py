"""Quotas: how many evaluations a tenant may have made in a day."""

import time
from typing import final

from negspace.serve.access.tenants import Tenant
from negspace.serve.refusal import too_many
from negspace.store import Store
from negspace.store.store import DAY


@final
class Quotas:
    """Counts by what the store knows. A method reads or writes the store, so no event loop may call it.

    Args:
        store: knows what was spent.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def refuse_over(self, tenant: Tenant, more: float, under_way: float = 0.0) -> None:
        """Stop a tenant that asks for more than it may have today.

        Args:
            tenant: who asks.
            more: evaluations that it asks for, about.
            under_way: those that were accepted and have not ended.

        Raises:
            Refusal: it may not have them.
        """
        if tenant.quota is None:
            return
        now = time.time()
        spent = self._store.spent(tenant.name, now) + int(under_way)
        if spent + more > tenant.quota:
            why = f"{spent} of {tenant.quota} evaluations a day are spent, and this takes about {more:.0f}"
            raise too_many(why, DAY - now % DAY)

    def charge(self, tenant: Tenant, evaluations: int) -> None:
        """Count what was made for a tenant beside the queue."""
        self._store.spend(tenant.name, evaluations, time.time())
