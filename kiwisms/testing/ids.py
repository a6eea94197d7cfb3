"""Ids that are the same in every run."""

from hashlib import sha256
from itertools import count
from typing import Final
from uuid import UUID

# The bits that make any number a UUID of version 7.
VERSION_7: Final = UUID("00000000-0000-7000-8000-000000000000").int


class CountingIds:
    """
    An `Ids` that counts; never for production, since its secrets can be guessed.

    >>> CountingIds().new()
    '00000000-0000-7000-8000-000000000001'
    """

    def __init__(self) -> None:
        self._uuids, self._tags, self._secrets = count(1), count(1), count(1)

    def new(self) -> str:
        """The next UUID; later ones sort later."""
        return str(UUID(int=VERSION_7 + next(self._uuids)))

    def tag(self) -> str:
        """The next tag: a letter and five digits."""
        return f"k{next(self._tags):05d}"

    def secret(self) -> bytes:
        """The next secret: thirty-two bytes, made from a counter."""
        return sha256(b"secret %d" % next(self._secrets)).digest()
