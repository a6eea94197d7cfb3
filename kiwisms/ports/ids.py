"""Identity and chance as a port, so that a run can be repeated exactly."""

from typing import Protocol


class Ids(Protocol):
    """Makes names that nobody has used and secrets that nobody can guess."""

    def new(self) -> str:
        """A new UUID in its usual text form; later ones sort later where that is possible."""
        ...

    def tag(self) -> str:
        """Six letters or digits that tell an account's API keys apart, and are public."""
        ...

    def secret(self) -> bytes:
        """Thirty-two bytes of chance from a source fit for secrets."""
        ...
