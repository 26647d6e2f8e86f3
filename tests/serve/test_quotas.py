"""What requests cost, and what a tenant may have in a day."""

from pathlib import Path
from typing import Any

import pytest

from negspace.models.files.source import Source
from negspace.request import Request
from negspace.serve.access.request_limits import Quotas
from negspace.serve.access.tenants import LOCAL, Tenant
from negspace.serve.catalogue import Catalogue
from negspace.serve.refusal import Refusal
from negspace.serve.service import cost_of
from negspace.serve.settings import ServerSettings
from negspace.store import Store
from tests.pictures import gradient, text


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"avoid": "hat"}, 20.0),
        ({"avoid": None}, 20.0),  # guidance away from nothing takes two branches too
        ({"avoid": "hat", "scale": 1.0}, 10.0),
        ({"avoid": "hat", "start": {"picture": text(gradient()), "strength": 0.5}}, 10.0),
        ({"avoid": "hat", "start": {"picture": text(gradient()), "strength": 1.0}}, 20.0),
    ],
)
def test_steps_that_are_left_out_cost_nothing(tiny_sd: Path, fields: dict[str, Any], cost: float) -> None:
    catalogue = Catalogue(ServerSettings(models={"tiny": Source(str(tiny_sd))}))
    carried = catalogue.resolved(Request.from_dict({"prompt": "a cat", "steps": 10, **fields}), LOCAL)
    assert cost_of(catalogue.plan(carried, LOCAL)) == cost


def test_a_quota_counts_what_was_made_what_is_under_way_and_what_is_asked(tmp_path: Path) -> None:
    store = Store(tmp_path)
    quotas, one = Quotas(store), Tenant(name="one", quota=100)
    quotas.refuse_over(one, 100)
    quotas.charge(one, 60)
    quotas.refuse_over(one, 40)
    quotas.refuse_over(Tenant(name="two", quota=100), 100)
    quotas.refuse_over(Tenant(name="one"), 1e9)
    for more, under_way in ((41, 0), (30, 11)):
        with pytest.raises(Refusal, match="of 100 evaluations") as told:
            quotas.refuse_over(one, more, under_way)
        assert told.value.status == 429 and 0 < (told.value.retry_after or 0) <= 86_400
    store.close()
