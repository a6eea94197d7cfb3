"""How the driver's errors are told."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg_pool import PoolTimeout

from kiwisms.ports.store import StoreUnavailable, TransactionOutrun


@contextmanager
def refusals(act: str) -> Iterator[None]:
    """
    Turn the driver's errors into `StoreUnavailable`, which names *act*.

    What the server took back because somebody else was first becomes `TransactionOutrun`.
    """
    try:
        yield
    except PoolTimeout as why:
        raise StoreUnavailable(f"the store could not be reached in time: {why}") from why
    except (SerializationFailure, DeadlockDetected) as why:
        raise TransactionOutrun(f"another transaction was first: {_first_line(why)}") from why
    # Half a surrogate pair cannot be sent at all.
    except (psycopg.Error, UnicodeEncodeError) as why:
        raise StoreUnavailable(f"the store refused the {act}: {_first_line(why)}") from why


def _first_line(why: Exception) -> str:
    # The lines after it repeat the row, or the statement.
    return str(why).partition("\n")[0]
