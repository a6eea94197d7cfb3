"""The system clock, and random ids."""

import asyncio
import secrets
import string
from datetime import UTC, datetime
from typing import Final

import uuid_utils

TAG_ALPHABET: Final = string.ascii_lowercase + string.digits


class SystemClock:
    """The computer's clock, and the event loop's timer."""

    def now(self) -> datetime:
        """The current moment in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait; zero lets other tasks run."""
        await asyncio.sleep(max(0.0, seconds))


class RandomIds:
    """UUIDs of version 7, and random values from the operating system."""

    def new(self) -> str:
        """A new UUID that begins with the time, so later ones sort later."""
        return str(uuid_utils.uuid7())

    def tag(self) -> str:
        """Six random letters or digits."""
        return "".join(secrets.choice(TAG_ALPHABET) for _ in range(6))

    def secret(self) -> bytes:
        """Thirty-two random bytes."""
        return secrets.token_bytes(32)
