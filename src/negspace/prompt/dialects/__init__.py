"""The shipped dialects. Each module defines one as `DIALECT`."""
