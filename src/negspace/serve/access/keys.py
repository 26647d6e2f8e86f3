"""Keys: the file that says which tenants there are, what each may ask for, and the hashes of their keys.

A key is 256 random bits, so its sha256 cannot be turned back; the file holds no key, only hashes.
"""

import hashlib
import secrets
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from negspace.errors import OutputError, RequestError, no_such
from negspace.files import write_whole
from negspace.request import Frozen
from negspace.serve.access.tenants import LOCAL, Tenant

TenantName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
_HEAD = "# Tenants of `negspace serve`. `negspace keys` makes and revokes keys; only hashes are kept.\n"


class KeyRecord(Frozen):
    """One key.

    Attributes:
        id: the part of it that may be seen.
        hash: sha256 of the whole, in hex.
        made: day on which it was made.
    """

    id: str
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    made: str


class TenantRecord(Frozen):
    """One tenant, as `negspace.serve.access.tenants.Tenant`, with its keys."""

    admin: bool = False
    policies: tuple[str, ...] = ()
    models: tuple[str, ...] | None = None
    largest: Annotated[int, Field(ge=1)] | None = None
    most_steps: Annotated[int, Field(ge=1)] | None = None
    most_pictures: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = None
    quota: Annotated[int, Field(ge=0)] | None = None
    weight: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 1.0
    keys: tuple[KeyRecord, ...] = ()

    def tenant(self, name: str) -> Tenant:
        """The tenant of this record."""
        return Tenant(name, **{key: getattr(self, key) for key in type(self).model_fields if key != "keys"})


class KeyFile(Frozen):
    """All tenants by name."""

    tenants: dict[TenantName, TenantRecord] = {}

    @cached_property
    def by_name(self) -> dict[str, Tenant]:
        """Every tenant."""
        return {name: record.tenant(name) for name, record in self.tenants.items()}

    @cached_property
    def by_id(self) -> dict[str, tuple[Tenant, KeyRecord]]:
        """The tenant and the record of every key, by the id of the key."""
        return {
            key.id: (self.by_name[name], key) for name, record in self.tenants.items() for key in record.keys
        }


def read_keys(file: Path) -> KeyFile:
    """The tenants of a file.

    Raises:
        OutputError: it cannot be read.
        RequestError: it says something that is unknown or wrong.
    """
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise OutputError(f"cannot read {file}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise OutputError(f"{file} is no YAML: {' '.join(str(error).split())[:200]}") from None
    known = KeyFile.from_dict(said or {}) if isinstance(said or {}, dict) else None
    if known is None:
        raise OutputError(f"{file} must hold `tenants:`")
    if LOCAL.name in known.tenants:
        raise RequestError(
            f"{file}: {LOCAL.name!r} is what everyone is called without keys; choose another name"
        )
    return known


def write_keys(file: Path, known: KeyFile) -> None:
    """Write the tenants of a file, which only its owner may read.

    Raises:
        OutputError: it cannot be written.
    """
    plain = known.model_dump(mode="json", exclude_defaults=True)
    write_whole({file: (_HEAD + yaml.safe_dump(plain, sort_keys=False)).encode()})
    file.chmod(0o600)


def with_new_key(known: KeyFile, tenant: str) -> tuple[KeyFile, str]:
    """The tenants with one more key for one of them, who is added if need be; and the key.

    Raises:
        RequestError: the name is none.
    """
    id = secrets.token_hex(4)
    key = f"nsk_{id}_{secrets.token_urlsafe(32)}"
    made = KeyRecord(
        id=id, hash=hashlib.sha256(key.encode()).hexdigest(), made=datetime.now(UTC).date().isoformat()
    )
    record = known.tenants.get(tenant, TenantRecord())
    record = record.model_copy(update={"keys": (*record.keys, made)})
    return KeyFile.from_dict({"tenants": {**known.tenants, tenant: record}}), key


def without_keys(known: KeyFile, tenant: str, id: str | None = None) -> KeyFile:
    """The tenants without one key of a tenant, or without any of it.

    Raises:
        RequestError: there is no such tenant or key.
    """
    if tenant not in known.tenants:
        raise RequestError(no_such("tenant", tenant, known.tenants))
    record = known.tenants[tenant]
    if id is not None and id not in (key.id for key in record.keys):
        raise RequestError(no_such("key", id, (key.id for key in record.keys)))
    left = tuple(key for key in record.keys if id is not None and key.id != id)
    return KeyFile.from_dict({"tenants": {**known.tenants, tenant: record.model_copy(update={"keys": left})}})


def id_of(key: str) -> str:
    """The part of a key that may be seen; "" where it is none."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == "nsk" else ""
