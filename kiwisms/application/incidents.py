"""Incidents: make, list and resolve them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from kiwisms.application.balances import Balances
from kiwisms.application.retry import retry_on_conflict
from kiwisms.application.trail import Trail
from kiwisms.domain.ids import ActivationId, IncidentId
from kiwisms.domain.incident import UNTRACED, Incident, IncidentKind, IncidentNotFound
from kiwisms.domain.push import PushedMessage
from kiwisms.domain.rental import Rental
from kiwisms.domain.trail import Action
from kiwisms.ports.clock import Clock
from kiwisms.ports.ids import Ids
from kiwisms.ports.store import Store

EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@frozen(kw_only=True, eq=False)
class Incidents:
    """The operator's use cases about incidents."""

    store: Store
    balances: Balances
    clock: Clock
    ids: Ids
    trail: Trail

    def about(
        self,
        rental: Rental,
        kind: IncidentKind,
        detail: str,
        activation_id: ActivationId | None = None,
    ) -> Incident:
        """
        Make an incident, to be saved with what it is about.

        This does not ask upstream: the incident is due at once, and background work reads the
        balance and investigates, unless its kind is `UNTRACED`.
        """
        now = self.clock.now()
        return Incident(
            id=IncidentId(self.ids.new()),
            account_id=rental.account_id,
            rental_id=rental.id,
            kind=kind,
            detail=detail,
            price=rental.price,
            before=self.balances.before(rental.created_at),
            activation_id=activation_id,
            at=now,
            due_at=None if kind in UNTRACED else now,
        )

    async def all(self, *, open_only: bool = False, limit: int = 100) -> Sequence[Incident]:
        """The newest incidents of all accounts, or the newest that are open."""
        return await self.store.incidents(open_only=open_only, limit=limit)

    async def find(self, incident_id: IncidentId) -> Incident:
        """Read one incident; raises `IncidentNotFound`."""
        incident = await self.store.find_incident(incident_id)
        if incident is None:
            raise IncidentNotFound(incident_id)
        return incident

    async def resolve(self, incident_id: IncidentId, *, note: str) -> Incident:
        """
        Record what became of an incident.

        Raises:
            IncidentNotFound: There is no such incident.
            IncidentResolved: It is resolved already.
            ValidationRefused: *note* does not have 1 to 500 printable characters.
        """
        return await self._resolve(await self.find(incident_id), note)

    async def orphans(self, *, limit: int = 100) -> Sequence[PushedMessage]:
        """The newest pushed messages for numbers that no rental and no incident has."""
        return await self.store.unmatched_pushes(since=EVER, limit=limit)

    @retry_on_conflict
    async def _resolve(self, found: Incident, note: str) -> Incident:
        async with self.store.transaction(found.account_id) as tx:
            incident = await tx.incident(found.id)
            if incident is None:
                raise IncidentNotFound(found.id)
            resolved = incident.resolve(note, self.clock.now())
            did = Action.INCIDENT_RESOLVED
            tx.save(resolved, self.trail.entry(resolved.account_id, did, resolved.id, note.strip()))
        return resolved
