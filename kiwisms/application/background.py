"""Background work: look at rentals, give up lost requests, deliver webhooks, trace incidents."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from attrs import frozen

from kiwisms.application.balances import Balances
from kiwisms.application.delivering import Delivering
from kiwisms.application.looks import Looks
from kiwisms.application.outcomes import Outcomes
from kiwisms.application.pruning import Pruning
from kiwisms.application.tracing import Tracing
from kiwisms.domain.delivery import Delivery
from kiwisms.domain.incident import Incident
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.work_queue import WorkQueue

FAIR_SHARE: Final = 5
"""The most deliveries of one account that are claimed at once."""
LONGEST_PAUSE: Final = timedelta(seconds=1)
"""Another process may add work at any time without a notice."""


@frozen(kw_only=True, eq=False)
class Background:
    """What a worker does. A claim lasts for the lease; after that the work is due again."""

    work: WorkQueue
    looks: Looks
    outcomes: Outcomes
    delivering: Delivering
    tracing: Tracing
    balances: Balances
    pruning: Pruning
    clock: Clock
    terms: Terms

    async def claim_rentals(self, limit: int) -> Sequence[Rental]:
        """Claim at most *limit* rentals that are due."""
        now, terms = self.clock.now(), self.terms
        return await self.work.claim_due_rentals(
            now=now, look_after=now + terms.pace.look, until=now + terms.lease, limit=limit
        )

    async def claim_deliveries(
        self, limit: int, under_way: Iterable[Delivery] = ()
    ) -> Sequence[Delivery]:
        """
        Claim at most *limit* deliveries that are due.

        An account gets its fair share at most, and nothing while that many of its deliveries are
        *under_way*: so a receiver that hangs delays no other account.
        """
        now = self.clock.now()
        tries = Counter(delivery.account_id for delivery in under_way)
        return await self.work.claim_due_deliveries(
            now=now,
            until=now + self.terms.lease,
            limit=limit,
            per_account=FAIR_SHARE,
            busy=[account_id for account_id, number in tries.items() if number >= FAIR_SHARE],
        )

    async def claim_incidents(self, limit: int) -> Sequence[Incident]:
        """Claim at most *limit* incidents that are due."""
        now = self.clock.now()
        return await self.work.claim_due_incidents(
            now=now, until=now + self.terms.lease, limit=limit
        )

    async def process_rental(self, rental: Rental) -> None:
        """Look at a claimed rental, or give up its request."""
        if rental.state is State.REQUESTED:
            await self.outcomes.give_up(rental)
        elif rental.state in OPEN:
            await self.looks.look_claimed(rental)

    async def deliver(self, delivery: Delivery) -> None:
        """Try a claimed delivery."""
        await self.delivering.deliver(delivery)

    async def trace(self, incident: Incident) -> None:
        """Investigate a claimed incident."""
        await self.tracing.trace(incident)

    async def refresh_balance(self) -> None:
        """Keep a recent balance of upstream, so that an incident can report what it was before."""
        await self.balances.refresh_if_old()

    async def prune(self) -> None:
        """Remove records that are older than the operator keeps them."""
        await self.pruning.run_if_due()

    async def pause(self) -> float:
        """Seconds until it is worth claiming again: until the next work is due, or a second."""
        due = await self.work.next_due()
        if due is None:
            return LONGEST_PAUSE.total_seconds()
        wait = min(max(due - self.clock.now(), timedelta(0)), LONGEST_PAUSE)
        return wait.total_seconds()
