"""The command line: `negspace imagine`, `plan`, `read`, `serve` and others. One command a file."""

from negspace.cli.app import main

__all__ = ["main"]
