"""``python -m kiwisms`` is the command ``kiwisms``."""

from kiwisms.entrypoints.cli import main

main()
