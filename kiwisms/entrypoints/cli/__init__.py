"""The command line: each command is one use case, printed for people or as JSON."""

import sys

from kiwisms.entrypoints.extras import needs

__all__ = ["main"]


def main() -> None:
    """Run the command that the arguments name, and exit with its status."""
    try:
        from kiwisms.entrypoints.cli import root
    except ModuleNotFoundError as missing:
        sys.exit(f"kiwisms {needs(missing, 'server')}")
    root.main()
