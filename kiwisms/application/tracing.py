"""Find out what an incident left open: upstream's balance, and the number that nobody has."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from kiwisms.application.balances import Balances
from kiwisms.application.repeat import repeatable
from kiwisms.domain.ids import ActivationId
from kiwisms.domain.incident import Incident
from kiwisms.domain.orphan import Lost, Orphan, owner
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.reconciliation import Balance
from kiwisms.domain.rental import Rental, State
from kiwisms.domain.terms import Terms
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import Active, Ambiguous, Cancelled, Gone, Provider, Received, Unknown
from kiwisms.ports.store import Store

log = logging.getLogger(__name__)

PACE: Final = timedelta(seconds=30)
"""How often an incident is gone into while something may still be found."""
PUSHED_WITHIN: Final = timedelta(minutes=3)
"""Upstream tries a push for two minutes."""
CLOCKS_APART: Final = timedelta(minutes=1)
"""So much upstream's clock may differ from ours."""
MOST: Final = 1_000


@frozen
class _Fate:
    """What upstream did with a number: *says* it, and whether nothing more will be known."""

    says: str
    resolves: bool

    def tell(self, incident: Incident, at: datetime) -> Incident:
        """Write it into an open incident."""
        return incident.resolve(self.says, at) if self.resolves else incident.add(self.says)


@frozen(kw_only=True, eq=False)
class Tracing:
    """
    Goes into incidents as they come due.

    A number is only ever matched to a request when no other number and no other request can be
    meant; it is then cancelled upstream, which is safe to repeat.
    """

    store: Store
    provider: Provider
    balances: Balances
    clock: Clock
    terms: Terms

    async def trace(self, incident: Incident) -> None:
        """Find out about a claimed incident what can be, and save that."""
        after = incident.after or await self.balances.read()
        rental = await self.store.rental(incident.account_id, incident.rental_id)
        number, fate = incident.activation_id, None
        # A rental that got a number is about that one, and it has ended upstream.
        searches = incident.is_open and (rental is None or rental.activation_id is None)
        if searches:
            number = number or await self._find_number(incident)
        if searches and number is not None:
            fate = await self._hand_back(number)
        await self._save(incident, after, number, fate, searches=searches)

    async def _find_number(self, incident: Incident) -> ActivationId | None:
        orphans = await self._orphans()
        # After the numbers: a request that has none yet may be about to be given one of them.
        under_way = await self.store.rentals(account_id=None, state=State.REQUESTED, limit=MOST)
        lost = [await self._request(rental, None) for rental in under_way]
        for each in await self.store.incidents(open_only=True, limit=MOST):
            rental = await self.store.rental(each.account_id, each.rental_id)
            if each.activation_id is None and rental is not None:
                lost.append(await self._request(rental, each))
        for orphan in orphans:
            found = owner(orphan, lost, orphans)
            if found is not None and found.incident_id == incident.id:
                known = await self.store.find_rental_by_activation(orphan.activation_id)
                return orphan.activation_id if known is None else None
        return None

    async def _request(self, rental: Rental, incident: Incident | None) -> Lost:
        """Describe a request whose answer is lost, or with no *incident* is not there yet."""
        renewed = None
        if rental.renews is not None:
            renewed = await self.store.rental(rental.account_id, rental.renews)
        return Lost(
            incident_id=None if incident is None else incident.id,
            service=rental.service,
            phone=None if renewed is None else renewed.phone,
            since=rental.created_at,
            until=self.clock.now() if incident is None else incident.at,
        )

    async def _orphans(self) -> Sequence[Orphan]:
        """List the numbers that upstream tells of in whatever way, and that nobody here has."""
        since = self.clock.now() - 2 * self.terms.pace.session
        pushes = await self.store.unmatched_pushes(since=since, limit=MOST)
        # The newest comes first, and the oldest push of a number says most about when it was
        # rented. Upstream's list says more than any push.
        orphans = {each.activation_id: self._from_push(each) for each in pushes}
        for number in await self._unknown_active():
            orphans[number.activation_id] = self._from_list(number)
        return list(orphans.values())

    async def _unknown_active(self) -> Sequence[Active]:
        active = await self.provider.active()
        if isinstance(active, Unknown):
            return ()
        taken = {each.activation_id for each in await self.store.incidents(limit=MOST)}
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

    async def _hand_back(self, number: ActivationId) -> _Fate | None:
        """Cancel a number upstream; ``None`` when that is to be tried again."""
        answer = await self.provider.cancel(number)
        seen = await self.provider.look(number) if isinstance(answer, Ambiguous) else answer
        match seen:
            case Cancelled():
                return _Fate(f"number {number} was cancelled upstream", resolves=True)
            case Received():
                return _Fate(f"number {number} had a message, so upstream charged", resolves=True)
            case Gone():
                return _Fate(f"upstream knows number {number} no more", resolves=False)
        return None

    @repeatable
    async def _save(
        self,
        traced: Incident,
        after: Balance | None,
        number: ActivationId | None,
        fate: _Fate | None,
        *,
        searches: bool,
    ) -> None:
        now = self.clock.now()
        async with self.store.transaction(traced.account_id) as tx:
            incident = await tx.incident(traced.id)
            if incident is None:
                return
            incident = evolve(incident, after=incident.after or after)
            if incident.is_open:
                incident = evolve(incident, activation_id=number)
                if fate is not None:
                    incident = fate.tell(incident, now)
            searches = searches and incident.is_open and fate is None
            more = (searches or incident.after is None) and now < self._last_try(traced)
            tx.save(evolve(incident, due_at=now + PACE if more else None))
        if fate is not None:
            log.warning("incident %s: %s", traced.id, fate.says)

    def _last_try(self, incident: Incident) -> datetime:
        """After this no message can be pushed any more."""
        return incident.at + self.terms.pace.session + PUSHED_WITHIN
