"""Silent rentals: the session is long over, and upstream does not report how it ended."""

import logging
from typing import Final

from attrs import evolve, frozen

from kiwisms.application.incidents import Incidents
from kiwisms.application.outbox import Outbox
from kiwisms.application.progress import Progress
from kiwisms.application.trail import Trail
from kiwisms.domain.actors import WORKER
from kiwisms.domain.incident import Incident, IncidentKind, silence_id
from kiwisms.domain.rental import Rental
from kiwisms.domain.rental_state import OPEN, State
from kiwisms.domain.terms import Terms
from kiwisms.domain.trail import Action, TrailEntry
from kiwisms.ports.clock import Clock
from kiwisms.ports.provider import NoAnswer
from kiwisms.ports.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE_OVER: Final = "upstream reported nothing for too long"


@frozen(kw_only=True, eq=False)
class Silence:
    """Reports, gives up and resolves silent rentals, each within the caller's transaction."""

    outbox: Outbox
    incidents: Incidents
    trail: Trail
    clock: Clock
    terms: Terms

    async def record_silence(
        self, tx: Transaction, progress: Progress, rental: Rental, answer: NoAnswer
    ) -> Rental:
        """
        Record that upstream did not answer a look for which a rental was due.

        A silent rental becomes an incident, once. The incident counts the looks for which upstream
        was asked, and after `Pace.give_up_after` more of them the rental is given up. A rental
        that is paid runs out after that time instead, without an incident.

        Returns:
            The rental afterwards.
        """
        now, pace = self.clock.now(), self.terms.pace
        if answer.asked:
            rental = rental.unanswered(now, pace)
            progress.to(rental)
        if rental.state is not State.WAITING or not rental.is_silent(now, pace):
            return rental
        alarm = await tx.incident(silence_id(rental.id)) or self._alarm(rental, answer.detail)
        if answer.asked:
            alarm = alarm.count_unanswered()
            if alarm.unanswered > pace.give_up_after:
                log.error("rental %s is given up: %s", rental.id, answer.detail)
                rental = rental.give_up(now, pace)
                progress.to(rental)
                reason = f"{PATIENCE_OVER}: {answer.detail}"
                tx.save(*self.records_of_give_up(rental, reason, WORKER))
                return rental
        tx.save(alarm)
        return rental

    def records_of_give_up(
        self, rental: Rental, reason: str, by: str
    ) -> tuple[TrailEntry, Incident]:
        """Make what is saved with a rental that was given up: who did it, and what is unknown."""
        did, kind = Action.RENTAL_GIVEN_UP, IncidentKind.GIVEN_UP
        detail = f"upstream may have charged for it: {reason}"
        return (
            self.trail.entry(rental.account_id, did, rental.id, reason, by=by),
            self.incidents.about(rental, kind, detail, rental.activation_id),
        )

    async def save(self, tx: Transaction, progress: Progress) -> None:
        """
        Save the progress of a rental that has a number, as `Outbox.save` does.

        If the rental was silent and has ended, in any way, its incident is resolved.
        """
        await self.outbox.save(tx, progress)
        before, after, now = progress.rental_before, progress.rental, self.clock.now()
        if before is None or after is None or after.state in OPEN:
            return
        if not before.is_silent(now, self.terms.pace):
            return
        alarm = await tx.incident(silence_id(before.id))
        if alarm is not None and alarm.is_open:
            note, did = f"the rental is {after.state}", Action.INCIDENT_RESOLVED
            entry = self.trail.entry(alarm.account_id, did, alarm.id, note, by=WORKER)
            tx.save(alarm.resolve(note, now), entry)

    def _alarm(self, rental: Rental, why: str) -> Incident:
        log.error("rental %s is over, and upstream does not report how: %s", rental.id, why)
        kind, detail = IncidentKind.PROVIDER_SILENT, f"upstream does not report how it ended: {why}"
        incident = self.incidents.about(rental, kind, detail, rental.activation_id)
        return evolve(incident, id=silence_id(rental.id))
