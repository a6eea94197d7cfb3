"""The store of facts: a unit of work is written whole or not at all."""

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
    """The store could not be read or written; nothing was acknowledged."""

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
    The store of all records.

    Every method raises `StoreUnavailable` when the store cannot be asked.
    """

    def transaction(
        self, account_id: AccountId, prefetch: Prefetch = NO_PREFETCH, /
    ) -> AbstractAsyncContextManager[Transaction]:
        """
        Begin a unit of work: leaving the block commits durably, an exception leaves no trace.

        Within a process, the units of one account run one after another. When those of two
        processes overlap, the one that leaves last gets `TransactionConflict`. Its reads may have
        seen different commits; only a write that succeeds proves that they did not. *prefetch* is
        a hint: other reads may follow.

        Raises:
            AccountNotFound: On entering, when there is no such account.
            ServiceUnavailable: On leaving, when no place upstream is free; nothing was written.
            NumberTaken: On leaving, when a rental is saved OPEN with the activation of another OPEN
                rental, of any account; nothing was written.
            TransactionConflict: On leaving, when another process wrote to the account meanwhile.
            StoreUnavailable: On leaving, when the commit failed, or its outcome is unknown.
        """
        ...

    async def create_account(self, account: Account, entry: TrailEntry | None = None) -> None:
        """Add an account with an empty wallet, and its trail *entry*; raises `EmailTaken`."""
        ...

    async def add_push(self, pushed: PushedMessage) -> bool:
        """Save a pushed message durably; returns whether its id is new."""
        ...

    async def add_reading(self, reading: Reading) -> None:
        """Save a reading."""
        ...

    async def prune_pushes(self, *, before: datetime, limit: int) -> int:
        """
        Remove pushed messages that arrived *before* and are no longer needed, at most *limit*.

        A message is needed while its number has an OPEN rental or an open incident, or neither a
        rental nor an incident at all. Returns how many were removed.
        """
        ...

    async def prune(self, account_id: AccountId, *, before: datetime, limit: int) -> Pruned:
        """
        Remove an account's records that ended *before*, at most *limit* of each kind.

        These are idempotency keys claimed, deliveries created, incidents resolved and trail
        entries made before then. Running keys, pending deliveries and open incidents stay, and so
        does an incident whose number has pushed messages: it shows whose they are. Transfers and
        rentals are never removed.
        """
        ...

    async def schema_version(self) -> int:
        """The number of the last migration that was applied; 0 when none was."""
        ...

    async def check(self) -> None:
        """
        Raise `StoreUnavailable` or `SchemaMismatch` unless the store can be used.

        A schema that was upgraded since the store was opened can still be used: what a newer
        version adds does not stop this one.
        """
        ...
