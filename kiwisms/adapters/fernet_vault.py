"""Secrets sealed with Fernet: AES-128-CBC and HMAC-SHA-256."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kiwisms.domain.errors import ValidationRefused
from kiwisms.ports.vault import SHORTEST_KEY, VaultLocked

PURPOSE: Final = b"kiwisms vault"
"""Separates these keys from other keys that are derived from the same secret."""


class FernetVault:
    """
    A `Vault` whose keys are derived from secret texts.

    Args:
        keys: Secret texts of 16 characters or more. The first seals, and all of them open. To
            rotate, put the new one before the old one.

    Raises:
        ValidationRefused: There is no key, or one is too short.

    Source: settings, ``KIWISMS_SECRET_KEY`` and ``KIWISMS_OLD_SECRET_KEY``.
    """

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        if not keys:
            raise ValidationRefused("KIWISMS_SECRET_KEY", "must be set")
        every = [_fernet(key) for key in keys]
        self._current, self._fernet = every[0], MultiFernet(every)

    def seal(self, secret: str) -> str:
        """Encrypt *secret* for storage."""
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """Decrypt a text from `seal`; raises `VaultLocked`."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError):
            raise VaultLocked(
                "a sealed secret cannot be opened: it was sealed with another KIWISMS_SECRET_KEY"
            ) from None

    def reseal(self, sealed: str) -> str:
        """Seal again with the first key, unless it was sealed with it; raises `VaultLocked`."""
        try:
            self._current.decrypt(sealed.encode())
        except (InvalidToken, UnicodeError):
            return self.seal(self.open(sealed))
        return sealed


def _fernet(key: str | bytes) -> Fernet:
    if len(key) < SHORTEST_KEY:
        why = f"must have {SHORTEST_KEY} characters or more"
        raise ValidationRefused("KIWISMS_SECRET_KEY", why)
    secret = key.encode() if isinstance(key, str) else key
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret)
    return Fernet(urlsafe_b64encode(derived))
