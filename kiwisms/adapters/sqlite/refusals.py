"""How the driver's errors are told."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import frozen

from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NumberTaken

DRIVER_ERRORS: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""Also what cannot be bound: a number beyond 64 bits, half a surrogate pair."""
NUMBER: Final = "UNIQUE constraint failed: rental.activation_id"


@contextmanager
def one_number() -> Iterator[None]:
    """Raise `NumberTaken` when what is written in the block gives a number to a second rental."""
    try:
        yield
    except sqlite3.IntegrityError as why:
        if str(why) == NUMBER:
            raise NumberTaken("another rental has the number") from why
        raise


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
