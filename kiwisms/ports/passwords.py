"""Passwords, which are stored only as slow hashes."""

from typing import Protocol


class Passwords(Protocol):
    """Hashes passwords, so that a stolen store does not reveal them."""

    async def hash(self, password: str) -> str:
        """Hash *password* with a salt of its own; slow on purpose."""
        ...

    async def matches(self, password: str, hashed: str) -> bool:
        """Whether *password* is the one that was hashed."""
        ...
