"""Passwords with a fast hash, for tests."""

from hashlib import sha256


class QuickPasswords:
    """A `Passwords` that is fast, and so not for production."""

    async def hash(self, password: str) -> str:
        """Hash without a salt."""
        return sha256(password.encode()).hexdigest()

    async def matches(self, password: str, hashed: str) -> bool:
        """Compare hashes."""
        return await self.hash(password) == hashed
