"""Turns the driver's errors into those of the store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import frozen

from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NumberTaken

DRIVER_ERRORS: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""Includes values that cannot be bound: a number above 64 bits, half of a surrogate pair."""
NUMBER: Final = "UNIQUE constraint failed: rental.activation_id"


@contextmanager
def detect_taken_number() -> Iterator[None]:
    """Raise `NumberTaken` when a write in the block would give a number to a second rental."""
    try:
        yield
    except sqlite3.IntegrityError as why:
        if str(why) == NUMBER:
            raise NumberTaken("another rental has the number") from why
        raise


@frozen
class Refusals:
    """Turns the driver's errors in the block into `StoreUnavailable`, which names *act*."""

    act: str

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, why: object, _trace: object) -> None:
        if isinstance(why, DRIVER_ERRORS):
            raise StoreUnavailable(f"the store refused the {self.act}: {why}") from why


READING: Final = Refusals("read")
WRITING: Final = Refusals("write")
