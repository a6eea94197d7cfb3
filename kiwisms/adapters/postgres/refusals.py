"""Turns the driver's errors into those of the store."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from psycopg_pool import PoolTimeout

from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, TransactionConflict

NUMBER: Final = "rental_of_number"
"""The unique index that allows one rental for each number."""


@contextmanager
def refusals(act: str) -> Iterator[None]:
    """
    Turn the driver's errors into `StoreUnavailable`, which names *act*.

    A transaction that the server rolled back for another one becomes `TransactionConflict`. A write
    that would give a number to a second rental becomes `NumberTaken`.
    """
    try:
        yield
    except PoolTimeout as why:
        raise StoreUnavailable(f"the store could not be reached in time: {why}") from why
    except (SerializationFailure, DeadlockDetected) as why:
        raise TransactionConflict(f"another transaction was first: {_first_line(why)}") from why
    # Half of a surrogate pair cannot be encoded.
    except (psycopg.Error, UnicodeEncodeError) as why:
        if isinstance(why, UniqueViolation) and why.diag.constraint_name == NUMBER:
            raise NumberTaken("another rental has the number") from why
        raise StoreUnavailable(f"the store refused the {act}: {_first_line(why)}") from why


def _first_line(why: Exception) -> str:
    # The other lines repeat the row, or the statement.
    return str(why).partition("\n")[0]
