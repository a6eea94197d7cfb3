"""The command line: each command is one use case, printed for people or as JSON."""

from kiwisms.entrypoints.cli.root import main

__all__ = ["main"]
