"""Ids and random secrets as a port, so that a run can be repeated exactly."""

from typing import Protocol


class Ids(Protocol):
    """Makes unique ids and secrets that nobody can guess."""

    def new(self) -> str:
        """A new UUID in its usual text form; later ones sort later where that is possible."""
        ...

    def tag(self) -> str:
        """Six letters or digits that distinguish an account's API keys; they are public."""
        ...

    def secret(self) -> bytes:
        """Thirty-two random bytes from a source fit for secrets."""
        ...
