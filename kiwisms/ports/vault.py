"""Secrets that must be read again: sealed before they are stored."""

from typing import Protocol

from kiwisms.domain.errors import KiwismsError


class VaultLocked(KiwismsError):
    """A sealed secret cannot be opened: ``KIWISMS_SECRET_KEY`` is not the one that sealed it."""

    code = "VAULT_LOCKED"


class Vault(Protocol):
    """Seals and opens with a key that is not in the store."""

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
