"""How the driver's errors are told."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from kiwisms.ports.store import StoreUnavailable

DRIVER_ERRORS: Final = (sqlite3.Error, OverflowError, UnicodeEncodeError)
"""Also what cannot be bound: a number beyond 64 bits, half a surrogate pair."""


@contextmanager
def refusals(act: str) -> Iterator[None]:
    """Turn the driver's errors into `StoreUnavailable`, which names *act*."""
    try:
        yield
    except DRIVER_ERRORS as why:
        raise StoreUnavailable(f"the store refused the {act}: {why}") from why
