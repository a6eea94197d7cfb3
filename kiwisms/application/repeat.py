"""Run a transaction again when another process wrote to the account first."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from kiwisms.ports.transaction import TransactionOutrun

TRIES: Final = 20
P = ParamSpec("P")
T = TypeVar("T")


def repeatable(step: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """
    Mark a coroutine that does nothing but one transaction, and so can be run again.

    It is repeated from its reads when it was outrun, at most `TRIES` times: then the
    `TransactionOutrun` is raised.
    """

    @wraps(step)
    async def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return await step(*args, **kwargs)
            except TransactionOutrun:
                continue
        return await step(*args, **kwargs)

    return repeated
