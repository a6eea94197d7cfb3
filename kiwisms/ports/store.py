"""Where facts are kept: read at once, written together, and never half."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from attrs import frozen

from kiwisms.domain.account import Account
from kiwisms.domain.errors import KiwismsError
from kiwisms.domain.ids import AccountId
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Reading
from kiwisms.domain.trail import TrailEntry
from kiwisms.ports.account_reads import AccountReads
from kiwisms.ports.cross_account_reads import CrossAccountReads
from kiwisms.ports.transaction import NO_PREFETCH, Prefetch, Transaction
from kiwisms.ports.work_queue import WorkQueue


class StoreUnavailable(KiwismsError):
    """The store did not take or give what it was asked for; nothing was acknowledged."""

    code = "STORE_UNAVAILABLE"


class SchemaMismatch(KiwismsError):
    """The store's schema is older than the code (run ``kiwisms migrate``), or newer."""

    code = "SCHEMA_MISMATCH"

    def __init__(self, *, found: int, known: int) -> None:
        super().__init__(
            f"the store has schema {found}, and this kiwisms needs {known}: run `kiwisms migrate`"
            if found < known
            else f"the store has schema {found}, and this kiwisms knows only {known}:"
            " install a newer kiwisms"
        )
        self.found, self.known = found, known


@frozen(kw_only=True)
class Pruned:
    """How many records were removed."""

    keys: int = 0
    deliveries: int = 0
    incidents: int = 0
    entries: int = 0
    pushes: int = 0


class Store(AccountReads, CrossAccountReads, WorkQueue, Protocol):
    """
    Everything that is kept.

    Every method raises `StoreUnavailable` when the store cannot be asked.
    """

    def transaction(
        self, account_id: AccountId, prefetch: Prefetch = NO_PREFETCH, /
    ) -> AbstractAsyncContextManager[Transaction]:
        """
        Begin a unit of work; leaving commits durably, an exception leaves no trace.

        Within a process, those of one account run one after another. Of two processes, the one
        that leaves last gets `TransactionConflict`: its reads may have seen different commits, and
        only a write proves that they did not. *prefetch* is a hint: any reads may follow.

        Raises:
            AccountNotFound: On entering, when there is no such account.
            ServiceUnavailable: On leaving, when no place upstream is free; nothing was written.
            NumberTaken: On leaving, when a rental that is saved OPEN has the activation of another
                one that is, of whatever account; nothing was written.
            TransactionConflict: On leaving, when another process wrote to the account meanwhile.
            StoreUnavailable: On leaving, when the commit failed.
        """
        ...

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and the *entry* of that; raises `EmailTaken`."""
        ...

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Keep a pushed message durably; tells whether it is the first with its id."""
        ...

    async def add_reading(self, reading: Reading) -> None:
        """Keep a reading."""
        ...

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """
        Remove pushed messages that arrived *before* and are of no more use, at most *limit*.

        Kept are those of numbers that no rental and no incident has, that a rental still has
        (OPEN), or that an open incident is about. Returns how many were removed.
        """
        ...

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """
        Remove an account's records that have ended *before*, at most *limit* of each kind.

        These are idempotency keys claimed, deliveries created, incidents resolved and trail
        entries made before then. What is running, on its way or open stays, as does an incident
        whose number has pushed messages: it tells whose they are. No transfer and no rental is
        ever removed.
        """
        ...

    async def schema_version(self) -> int:
        """The number of the last migration that the store has; 0 when it has none."""
        ...

    async def check(self) -> None:
        """
        Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be used.

        A schema that grew newer since the store was opened can be: what a newer version adds does
        not stop this one.
        """
        ...
