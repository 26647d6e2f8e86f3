"""The checkpoint of every family, made once."""

from tests.families.conftest import place

__all__ = ["place"]
