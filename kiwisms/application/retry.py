"""Retry a transaction when another process wrote to the account first."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from kiwisms.ports.transaction import TransactionConflict

TRIES: Final = 20
P = ParamSpec("P")
T = TypeVar("T")


def retry_on_conflict(step: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """
    Retry a coroutine on `TransactionConflict`; it must do nothing but one transaction.

    After a conflict it runs again from its reads. The conflict of the last of `TRIES` is raised.
    """

    @wraps(step)
    async def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return await step(*args, **kwargs)
            except TransactionConflict:
                continue
        return await step(*args, **kwargs)

    return repeated
