"""`negspace keys`: the tenants of a server and their keys."""

from pathlib import Path
from typing import Annotated

import typer

from negspace.cli import show
from negspace.cli.options import JsonOption, option

keys = typer.Typer(
    name="keys",
    help="Keys of the tenants of a server: add, rotate, revoke and list.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

KeysFileOption = Annotated[Path, option("FILE", "The file of tenants.", "--keys")]
TenantArgument = Annotated[str, typer.Argument(metavar="TENANT", help="Lower case.")]
AdminOption = Annotated[bool, option("", "It sees the requests of all tenants.", "--admin")]
KeyArgument = Annotated[
    str | None, typer.Argument(metavar="KEY", help="Id of a key; else all of the tenant.")
]
_DEFAULT = Path("negspace-keys.yaml")


@keys.command()
def add(tenant: TenantArgument, keys: KeysFileOption = _DEFAULT, admin: AdminOption = False) -> None:
    """Make a key for a tenant, which is added if it is new. The key is printed once and stored nowhere."""
    from negspace.serve.access.tenants import KeyFile, read_keys, with_new_key, write_keys

    content, key = with_new_key(read_keys(keys) if keys.exists() else KeyFile(), tenant)
    if admin:
        record = content.tenants[tenant].model_copy(update={"admin": True})
        content = content.with_tenant(tenant, record)
    write_keys(keys, content)
    show.line(key)


@keys.command()
def rotate(tenant: TenantArgument, keys: KeysFileOption = _DEFAULT) -> None:
    """Make a new key for a tenant and revoke all of its old ones."""
    from negspace.serve.access.tenants import read_keys, with_new_key, without_keys, write_keys

    content, key = with_new_key(without_keys(read_keys(keys), tenant), tenant)
    write_keys(keys, content)
    show.line(key)


@keys.command()
def revoke(tenant: TenantArgument, key: KeyArgument = None, keys: KeysFileOption = _DEFAULT) -> None:
    """Revoke a key of a tenant, or all of them. A running server notices within seconds."""
    from negspace.serve.access.tenants import read_keys, without_keys, write_keys

    write_keys(keys, without_keys(read_keys(keys), tenant, key))
    show.line(f"revoked: {key or 'all keys'} of {tenant}")


@keys.command("list")
def list_keys(keys: KeysFileOption = _DEFAULT, json: JsonOption = False) -> None:
    """List the tenants with the ids of their keys."""
    from negspace.serve.access.tenants import read_keys

    tenants = read_keys(keys).tenants
    if json:
        show.as_json({name: record.model_dump(mode="json") for name, record in tenants.items()})
        return
    show.table(
        ("tenant", "sees", "keys"),
        [
            (
                name,
                "all" if record.admin else "its own",
                ", ".join(f"{key.id} of {key.made}" for key in record.keys),
            )
            for name, record in tenants.items()
        ],
    )
