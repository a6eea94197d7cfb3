"""The actors that history and trail name, other than API keys."""

from typing import Final

APP: Final = "app"
"""The program that embeds kiwisms, when it names no API key."""
WORKER: Final = "worker"
"""Background work, and a look upstream that several callers share."""
OPERATOR: Final = "operator"
"""The operator, through the command line."""
