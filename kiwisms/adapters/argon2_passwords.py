"""Passwords hashed with Argon2id."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Argon2Passwords:
    """
    A `Passwords` with the parameters that argon2-cffi recommends (RFC 9106, low memory).

    Both methods take some 50 ms and 64 MiB. They run in a thread and do not block the event loop.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    async def hash(self, password: str) -> str:
        """Hash *password* with a salt of its own; slow on purpose."""
        return await asyncio.to_thread(self._hasher.hash, _bytes(password))

    async def matches(self, password: str, hashed: str) -> bool:
        """Whether *hashed* is a hash of *password*; False when it is no hash at all."""
        try:
            return await asyncio.to_thread(self._hasher.verify, hashed, _bytes(password))
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _bytes(password: str) -> bytes:
    # JSON can carry half of a surrogate pair, which plain UTF-8 cannot encode.
    return password.encode("utf-8", "surrogatepass")
