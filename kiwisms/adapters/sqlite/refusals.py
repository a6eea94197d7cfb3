"""How the driver's errors are told."""

import sqlite3
from typing import Final

from attrs import frozen

from kiwisms.ports.store import StoreUnavailable

DRIVER_ERRORS: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""Also what cannot be bound: a number beyond 64 bits, half a surrogate pair."""


@frozen
class Refusals:
    """Within the block, the driver's errors become `StoreUnavailable`, which names *act*."""

    act: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, why: object, _trace: object) -> None:
        if isinstance(why, DRIVER_ERRORS):
            raise StoreUnavailable(f"the store refused the {self.act}: {why}") from why


READING: Final = Refusals("read")
WRITING: Final = Refusals("write")
