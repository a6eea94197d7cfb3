"""Secrets that must be read again: sealed before they are stored."""

from typing import Final, Protocol

from kiwisms.domain.errors import KiwismsError

SHORTEST_KEY: Final = 16
"""The fewest characters that a key may have."""


class VaultLocked(KiwismsError):
    """A sealed secret cannot be opened: ``KIWISMS_SECRET_KEY`` is not the one that sealed it."""

    code = "VAULT_LOCKED"


class Vault(Protocol):
    """Seals with the current key, and opens with it or an older one. No key is in the store."""

    def seal(self, secret: str) -> str:
        """Encrypt *secret* for storage."""
        ...

    def open(self, sealed: str) -> str:
        """
        Decrypt what `seal` made.

        Raises:
            VaultLocked: It was sealed with another key, or was tampered with.
        """
        ...

    def reseal(self, sealed: str) -> str:
        """
        Seal with the current key what an older one sealed.

        Returns:
            *sealed* itself, when the current key sealed it.

        Raises:
            VaultLocked: As `open` does.
        """
        ...
