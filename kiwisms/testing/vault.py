"""A vault that does not encrypt, for tests."""

from typing import Final

from kiwisms.ports.vault import VaultLocked

MARK: Final = "plain:"


class PlainVault:
    """A `Vault` that does not encrypt: a secret always seals to the same text, so runs repeat."""

    def seal(self, secret: str) -> str:
        """Put the mark before *secret*."""
        return MARK + secret

    def open(self, sealed: str) -> str:
        """Remove the mark; raises `VaultLocked` when it is missing."""
        if not sealed.startswith(MARK):
            raise VaultLocked("not sealed by this vault")
        return sealed.removeprefix(MARK)

    def reseal(self, sealed: str) -> str:
        """Return *sealed* unchanged, as there is only one way to seal; raises `VaultLocked`."""
        return self.seal(self.open(sealed))
