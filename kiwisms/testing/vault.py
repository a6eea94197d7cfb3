"""A vault without a lock."""

from typing import Final

from kiwisms.ports.vault import VaultLocked

MARK: Final = "plain:"


class PlainVault:
    """A `Vault` that hides nothing and always seals the same way, so that a run repeats exactly."""

    def seal(self, secret: str) -> str:
        """Mark *secret* as sealed."""
        return MARK + secret

    def open(self, sealed: str) -> str:
        """Take the mark off; raises `VaultLocked` where there is none."""
        if not sealed.startswith(MARK):
            raise VaultLocked("not sealed by this vault")
        return sealed.removeprefix(MARK)

    def reseal(self, sealed: str) -> str:
        """Leave it as it is, for there is only one way to seal; raises `VaultLocked`."""
        return self.seal(self.open(sealed))
