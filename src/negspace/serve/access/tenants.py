"""Tenants: who may send requests, what each may ask for, and the file that holds their keys.

A key is 256 random bits, so its sha256 cannot be reversed; the file holds hashes, never keys.
"""

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from negspace.errors import OutputError, RequestError, no_such
from negspace.files import write_whole
from negspace.frozen import Frozen

_HEAD = "# Tenants of `negspace serve`. `negspace keys` makes and revokes keys; only hashes are kept.\n"


class TenantRights(Frozen):
    """What a tenant may do. A limit of None is the server's own.

    Attributes:
        admin: whether it sees the requests of all tenants.
        policies: names of the policies that apply to each of its requests.
        models: names of the models it may use; None is all.
        largest: pixels of a picture.
        most_steps, most_pictures: of a request.
        rate: requests for pictures a minute.
        quota: evaluations a day (UTC).
        weight: of its share while several tenants wait; 2 gets twice as much as 1.
    """

    admin: bool = False
    policies: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    largest: Annotated[int, Field(ge=1)] | None = None
    most_steps: Annotated[int, Field(ge=1)] | None = None
    most_pictures: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    quota: Annotated[int, Field(ge=0)] | None = None
    weight: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0


class Tenant(TenantRights):
    """One customer of the server.

    Attributes:
        name: by which requests, policies and metrics refer to it.
        hidden_policies: the operator's policies that bind other tenants and not this one. They do not exist
            for it; an administrator sees all.
    """

    name: str
    hidden_policies: frozenset[str] = frozenset()

    def sees(self, owner: str) -> bool:
        """Whether what belongs to the tenant named `owner` may be shown to this one."""
        return self.admin or owner == self.name

    def may_use(self, model: str | None) -> bool:
        """Whether it may ask for a model."""
        return self.models is None or model in self.models


LOCAL = Tenant(name="local", admin=True)
"""Everyone on this machine, where the server has no keys."""

ANYONE = Tenant(name="anyone", admin=True)
"""Whoever presents a signed address."""


TenantName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class KeyRecord(Frozen):
    """One key.

    Attributes:
        id: the part of it that may be shown.
        hash: sha256 of the whole key, in hex.
        made: day on which it was made.
    """

    id: str
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    made: str


class TenantRecord(TenantRights):
    """One tenant in the file, where its name is the key of the entry."""

    keys: tuple[KeyRecord, ...] = ()

    def tenant(self, name: str, binding: Collection[str]) -> Tenant:
        """The tenant of this record, where these policies bind anybody."""
        hidden = frozenset() if self.admin else frozenset(binding) - frozenset(self.policies)
        return Tenant(name=name, hidden_policies=hidden, **self.model_dump(exclude={"keys"}))


class KeyFile(Frozen):
    """The content of the file: all tenants by name."""

    tenants: dict[TenantName, TenantRecord] = {}

    @cached_property
    def by_name(self) -> dict[str, Tenant]:
        """Every tenant."""
        binding = {policy for record in self.tenants.values() for policy in record.policies}
        return {name: record.tenant(name, binding) for name, record in self.tenants.items()}

    @cached_property
    def by_id(self) -> dict[str, tuple[Tenant, KeyRecord]]:
        """The tenant and the record of every key, by the id of the key."""
        return {
            key.id: (self.by_name[name], key) for name, record in self.tenants.items() for key in record.keys
        }

    def with_tenant(self, name: str, record: TenantRecord) -> "KeyFile":
        """The file with one tenant added or replaced.

        Raises:
            RequestError: the name is not allowed.
        """
        return KeyFile.from_dict({"tenants": {**self.tenants, name: record}})


def read_keys(file: Path) -> KeyFile:
    """Read the file of tenants.

    Raises:
        OutputError: it cannot be read.
        RequestError: a field is unknown or wrong.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise OutputError(f"cannot read {file}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OutputError(f"{file} is not YAML: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(content, dict):
        raise OutputError(f"{file} must contain `tenants:`")
    keys = KeyFile.from_dict(content)
    if LOCAL.name in keys.tenants:
        raise RequestError(
            f"{file}: {LOCAL.name!r} is the name of everyone where there are no keys; choose another name"
        )
    return keys


def write_keys(file: Path, keys: KeyFile) -> None:
    """Write the file of tenants, readable by its owner only.

    Raises:
        OutputError: it cannot be written.
    """
    content = keys.model_dump(mode="json", exclude_defaults=True)
    write_whole({file: (_HEAD + yaml.safe_dump(content, sort_keys=False)).encode()})
    file.chmod(0o600)


def with_new_key(keys: KeyFile, tenant: str) -> tuple[KeyFile, str]:
    """The file with a new key for a tenant, which is added if it is new; and the key.

    Raises:
        RequestError: the name is not allowed.
    """
    id = secrets.token_hex(4)
    key = f"nsk_{id}_{secrets.token_urlsafe(32)}"
    made = KeyRecord(
        id=id, hash=hashlib.sha256(key.encode()).hexdigest(), made=datetime.now(UTC).date().isoformat()
    )
    record = keys.tenants.get(tenant, TenantRecord())
    return keys.with_tenant(tenant, record.model_copy(update={"keys": (*record.keys, made)})), key


def without_keys(keys: KeyFile, tenant: str, id: str | None = None) -> KeyFile:
    """The file without one key of a tenant, or without all of its keys.

    Raises:
        RequestError: there is no such tenant or key.
    """
    if tenant not in keys.tenants:
        raise RequestError(no_such("tenant", tenant, keys.tenants))
    record = keys.tenants[tenant]
    if id is not None and id not in (key.id for key in record.keys):
        raise RequestError(no_such("key", id, (key.id for key in record.keys)))
    left = tuple(key for key in record.keys if id is not None and key.id != id)
    return keys.with_tenant(tenant, record.model_copy(update={"keys": left}))


def id_of(key: str) -> str:
    """The part of a key that may be shown; "" where it is not a key."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "nsk" else ""
