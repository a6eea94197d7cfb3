"""Who acts, beside the API keys of customers."""

from typing import Final

APP: Final = "app"
"""The program that embeds kiwisms, where no API key is named."""
WORKER: Final = "worker"
"""The work that comes due, and a look that several wait for."""
OPERATOR: Final = "operator"
"""The commands."""
