"""Ids that are the same in every run."""

from hashlib import sha256
from itertools import count


class CountingIds:
    """
    An `Ids` that counts; not for production, since its secrets can be guessed.

    >>> CountingIds().new()
    '00000000-0000-7000-8000-000000000001'
    """

    def __init__(self) -> None:
        self._uuids, self._tags, self._secrets = count(1), count(1), count(1)

    def new(self) -> str:
        """The next UUID; later ones sort later."""
        return f"00000000-0000-7000-8000-{next(self._uuids):012x}"

    def tag(self) -> str:
        """The next tag: a letter and five digits."""
        return f"k{next(self._tags):05d}"

    def secret(self) -> bytes:
        """The next secret: thirty-two bytes, made from a counter."""
        return sha256(b"secret %d" % next(self._secrets)).digest()
