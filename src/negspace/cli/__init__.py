"""The command line: `negspace imagine`, `plan`, `read`, `models`, `rules`, `demo`. One command a file."""

from negspace.cli.app import main

__all__ = ["main"]
