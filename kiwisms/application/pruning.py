"""Pruning: remove old records that no money and no open work depends on."""

from datetime import datetime, timedelta
from typing import Final

from attrs import define, evolve, field

from kiwisms.domain.errors import ValidationRefused
from kiwisms.domain.idempotency import LIFETIME
from kiwisms.domain.ids import AccountId
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.store import Pruned, Store

AT_ONCE: Final = 1_000
"""The most of each kind in one transaction, so that other writers do not wait long for it."""
PACE: Final = timedelta(hours=1)
"""How often records are pruned in the background."""


@define(kw_only=True, eq=False)
class Pruning:
    """The operator's use case about old records."""

    store: Store
    clock: Clock
    terms: Terms
    _began_at: datetime | None = field(default=None, init=False)

    async def run_if_due(self) -> None:
        """Remove what is older than the terms allow, unless a run began within the hour."""
        now, days = self.clock.now(), self.terms.keep_days
        if days is not None and (self._began_at is None or now >= self._began_at + PACE):
            self._began_at = now
            await self.run(days=days)

    async def run(self, *, days: int) -> Pruned:
        """
        Remove what ended more than *days* days ago.

        These are idempotency keys past their lifetime, webhook deliveries that arrived or were
        given up, incidents that are resolved, pushed messages that were matched, and entries of
        the trail. Transfers, rentals and everything open stay. After an interruption, run it again.

        Raises:
            ValidationRefused: *days* is less than 1.
        """
        age = timedelta(days=days)
        if age < LIFETIME:
            raise ValidationRefused(
                "days", "must be at least 1: an idempotency key is bound for a day"
            )
        before = self.clock.now() - age
        pruned = Pruned()
        while removed := await self.store.prune_pushes(before=before, limit=AT_ONCE):
            pruned = evolve(pruned, pushes=pruned.pushes + removed)
        for account in await self.store.accounts():
            pruned = _sum(pruned, await self._prune_account(account.id, before))
        return pruned

    async def _prune_account(self, account_id: AccountId, before: datetime) -> Pruned:
        pruned = Pruned()
        while True:
            more = await self.store.prune(account_id, before=before, limit=AT_ONCE)
            if more == Pruned():
                return pruned
            pruned = _sum(pruned, more)


def _sum(one: Pruned, other: Pruned) -> Pruned:
    return Pruned(
        keys=one.keys + other.keys,
        deliveries=one.deliveries + other.deliveries,
        incidents=one.incidents + other.incidents,
        entries=one.entries + other.entries,
        pushes=one.pushes + other.pushes,
    )
