"""Investigate incidents: find upstream's balance after one, and the number that it lost."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, evolve, field

from kiwisms.application.balances import Balances
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.single_flight import SingleFlight
from kiwisms.application.trail import Trail
from kiwisms.domain.actors import WORKER
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import Incident
from kiwisms.domain.orphan import Orphan, Request, may_match
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import State
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Active, Ambiguous, Cancelled, Gone, NoAnswer, Provider, Received
from kiwisms.ports.store import Store

log = logging.getLogger(__name__)

PACE: Final = timedelta(seconds=30)
"""How often an incident is investigated while something may still be found."""
PUSHED_WITHIN: Final = timedelta(minutes=3)
"""Upstream retries a push for two minutes."""
CLOCKS_APART: Final = timedelta(minutes=1)
"""The most that upstream's clock may differ from ours."""
LIMIT: Final = 1_000


@define(kw_only=True, eq=False)
class Tracing:
    """
    Investigates due incidents.

    A number is matched to a request only when no other number and no other request fits. It is
    then cancelled upstream, which is safe to repeat.
    """

    store: Store
    provider: Provider
    balances: Balances
    clock: Clock
    terms: Terms
    trail: Trail
    _lists: SingleFlight[None, Sequence[Active] | NoAnswer] = field(
        factory=SingleFlight, init=False
    )

    async def trace(self, incident: Incident) -> None:
        """Investigate a claimed incident, and save what was found."""
        incident = evolve(incident, after=await self._balance_after(incident))
        rental = await self.store.rental(incident.account_id, incident.rental_id)
        # If the rental got a number, the incident is about that one: there is no search.
        searches = incident.is_open and rental is not None and rental.activation_id is None
        if rental is not None and searches and incident.activation_id is None:
            incident = evolve(incident, activation_id=await self._find_number(incident, rental))
        # Saved before the number is cancelled: after that upstream no longer lists it.
        incident = await self._save(incident, searches=searches)
        if searches and incident.is_open and incident.activation_id is not None:
            await self._hand_back(incident, incident.activation_id)

    async def _balance_after(self, incident: Incident) -> Balance | None:
        return incident.after or self.balances.after(incident.at) or await self.balances.read()

    async def _find_number(self, incident: Incident, rental: Rental) -> ActivationId | None:
        request = await self._request(rental, incident.at)
        numbers = [each for each in await self._orphans() if may_match(each, request)]
        if len(numbers) != 1 or await self._may_be_anothers(numbers[0], incident):
            return None
        number = numbers[0].activation_id
        # Another request may have been given it while we asked.
        return None if await self.store.find_rental_by_activation(number) else number

    async def _may_be_anothers(self, orphan: Orphan, incident: Incident) -> bool:
        """Whether *orphan* may belong to a request under way, or to another incident."""
        now = self.clock.now()
        for rental in await self.store.rentals(account_id=None, state=State.REQUESTED, limit=LIMIT):
            if may_match(orphan, await self._request(rental, now)):
                return True
        for other in await self.store.incidents(limit=LIMIT):
            if other.id == incident.id:
                continue
            if other.activation_id == orphan.activation_id:
                return True  # another trace was faster
            if not other.is_open or other.activation_id is not None:
                continue
            lost = await self.store.rental(other.account_id, other.rental_id)
            if lost is not None and may_match(orphan, await self._request(lost, other.at)):
                return True
        return False

    async def _request(self, rental: Rental, until: datetime) -> Request:
        earlier = None
        if rental.renews is not None:
            earlier = await self.store.rental(rental.account_id, rental.renews)
        return Request(
            service=rental.service,
            phone=None if earlier is None else earlier.phone,
            since=rental.created_at,
            until=until,
        )

    async def _orphans(self) -> Sequence[Orphan]:
        """List the numbers that upstream reports, by push or in a list, and that no rental has."""
        since = self.clock.now() - 2 * self.terms.pace.session
        pushes = await self.store.unmatched_pushes(since=since, limit=LIMIT)
        # Pushes come newest first, so the oldest one of a number is kept: it says most about when
        # the number was rented. Upstream's list says more than any push.
        orphans = {each.activation_id: self._from_push(each) for each in pushes}
        for number in await self._unknown_active():
            orphans[number.activation_id] = self._from_list(number)
        return list(orphans.values())

    async def _unknown_active(self) -> Sequence[Active]:
        # Of many incidents that are due together, one asks.
        active = await self._lists.do(None, self.provider.active)
        if isinstance(active, NoAnswer):
            return ()
        taken = {each.activation_id for each in await self.store.incidents(limit=LIMIT)}
        return [
            number
            for number in active
            if number.activation_id not in taken
            and await self.store.find_rental_by_activation(number.activation_id) is None
        ]

    def _from_push(self, pushed: PushedMessage) -> Orphan:
        return Orphan(
            activation_id=pushed.activation_id,
            service=pushed.service,
            since=pushed.arrived_at - self.terms.pace.session - PUSHED_WITHIN,
            until=pushed.arrived_at,
        )

    def _from_list(self, number: Active) -> Orphan:
        now, at = self.clock.now(), number.rented_at
        return Orphan(
            activation_id=number.activation_id,
            service=number.service,
            phone=number.phone,
            since=now - self.terms.pace.session if at is None else at - CLOCKS_APART,
            until=now if at is None else at + CLOCKS_APART,
        )

    async def _hand_back(self, incident: Incident, number: ActivationId) -> None:
        """Cancel a number upstream and resolve the incident; a failure is retried later."""
        answer = await self.provider.cancel(number)
        seen = await self.provider.look(number) if isinstance(answer, Ambiguous) else answer
        match seen:
            case Cancelled():
                await self._resolve(incident, f"number {number} was cancelled upstream")
            case Received():
                await self._resolve(incident, f"number {number} had a message: upstream charged")
            case Gone():
                found = incident.with_finding(f"upstream no longer knows number {number}")
                await self._save(found, searches=False)

    @retry_on_conflict
    async def _save(self, found: Incident, *, searches: bool) -> Incident:
        """Save what was found; what was found or resolved meanwhile is kept."""
        now = self.clock.now()
        async with self.store.transaction(found.account_id) as tx:
            known = await tx.incident(found.id)
            if known is not None:
                found = known.merge(found)
            last = found.at + self.terms.pace.session + PUSHED_WITHIN
            more = found.is_open and (searches or found.after is None) and now < last
            found = evolve(found, due_at=now + PACE if more else None)
            tx.save(found)
        return found

    @retry_on_conflict
    async def _resolve(self, found: Incident, note: str) -> None:
        log.warning("incident %s: %s", found.id, note)
        async with self.store.transaction(found.account_id) as tx:
            incident = await tx.incident(found.id)
            if incident is not None and incident.is_open:
                did = Action.INCIDENT_RESOLVED
                entry = self.trail.entry(found.account_id, did, found.id, note, by=WORKER)
                tx.save(incident.resolve(note, self.clock.now()), entry)
