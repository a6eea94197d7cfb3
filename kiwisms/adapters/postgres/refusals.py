"""How the driver's errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation
from psycopg_pool import PoolTimeout

from kiwisms.ports.store import StoreUnavailable
from kiwisms.ports.transaction import NumberTaken, TransactionConflict

NUMBER: Final = "rental_of_number"
"""The index in which a number can have one rental."""


@contextmanager
def refusals(act: str) -> Iterator[None]:
    """
    Turn the driver's errors into `StoreUnavailable`, which names *act*.

    What the server took back because somebody else was first becomes `TransactionConflict`, and
    what would give a number to a second rental `NumberTaken`.
    """
    try:
        yield
    except PoolTimeout as why:
        raise StoreUnavailable(f"the store could not be reached in time: {why}") from why
    except (SerializationFailure, DeadlockDetected) as why:
        raise TransactionConflict(f"another transaction was first: {_first_line(why)}") from why
    # Half a surrogate pair cannot be sent at all.
    except (psycopg.Error, UnicodeEncodeError) as why:
        if isinstance(why, UniqueViolation) and why.diag.constraint_name == NUMBER:
            raise NumberTaken("another rental has the number") from why
        raise StoreUnavailable(f"the store refused the {act}: {_first_line(why)}") from why


def _first_line(why: Exception) -> str:
    # The lines after it repeat the row, or the statement.
    return str(why).partition("\n")[0]
