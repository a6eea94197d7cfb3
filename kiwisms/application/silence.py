"""Silent rentals: the session is long over, and upstream does not report how it ended."""

import logging
from typing import Final

from attrs import evolve, frozen

from kiwisms.application.incidents import Incidents
from kiwisms.application.progress import Progress
from kiwisms.application.trail import Trail
from kiwisms.domain.incident import IncidentKind, silence_id
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN, UNPAID
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action
from kiwisms.ports.clock import Clock
from kiwisms.ports.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE_OVER: Final = "upstream reported nothing for too long"


@frozen(kw_only=True, eq=False)
class Silence:
    """Reports, gives up and resolves silent rentals, each within the caller's transaction."""

    incidents: Incidents
    trail: Trail
    clock: Clock
    terms: Terms

    async def record_silence(
        self, tx: Transaction, progress: Progress, rental: Rental, why: str
    ) -> Rental:
        """
        Record that a look at a rental showed nothing, and *why*.

        A silent rental becomes an incident, once. If it is still silent after `Pace.give_up_after`,
        it is given up.

        Returns:
            The rental afterwards.
        """
        now, pace = self.clock.now(), self.terms.pace
        if not rental.is_silent(now, pace):
            return rental
        alarm = await tx.incident(silence_id(rental.id))
        if alarm is None:
            log.error("rental %s is over, and upstream does not report how: %s", rental.id, why)
            detail = f"upstream does not report how it ended: {why}"
            kind = IncidentKind.PROVIDER_SILENT
            incident = self.incidents.about(rental, kind, detail, rental.activation_id)
            tx.save(evolve(incident, id=silence_id(rental.id)))
        elif now >= alarm.at + pace.give_up_after:
            log.error("rental %s is given up: %s", rental.id, why)
            return self.give_up(tx, progress, rental, f"{PATIENCE_OVER}: {why}")
        return rental

    def give_up(self, tx: Transaction, progress: Progress, rental: Rental, reason: str) -> Rental:
        """
        End a silent rental without upstream; raises `GiveUpNotAllowed`.

        If the customer does not pay for it, an incident records that upstream may have charged.
        """
        given_up = rental.give_up(self.clock.now(), self.terms.pace)
        progress.to(given_up)
        did = Action.RENTAL_GIVEN_UP
        tx.save(self.trail.entry(rental.account_id, did, rental.id, reason, by=progress.by))
        if given_up.state in UNPAID:
            kind, detail = IncidentKind.GIVEN_UP, f"upstream may have charged for it: {reason}"
            tx.save(self.incidents.about(given_up, kind, detail, given_up.activation_id))
        return given_up

    async def resolve_if_ended(self, tx: Transaction, progress: Progress) -> None:
        """Resolve the incident of a silent rental that has ended, in any way."""
        before, after, now = progress.rental_before, progress.rental, self.clock.now()
        if before is None or after is None or after.state in OPEN:
            return
        if not before.is_silent(now, self.terms.pace):
            return
        alarm = await tx.incident(silence_id(before.id))
        if alarm is not None and alarm.is_open:
            note, did = f"the rental is {after.state}", Action.INCIDENT_RESOLVED
            entry = self.trail.entry(alarm.account_id, did, alarm.id, note, by=progress.by)
            tx.save(alarm.resolve(note, now), entry)
